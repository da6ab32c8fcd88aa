package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.FailoverStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * What a store owes that does not forget expired records by itself.
 *
 * <p>Runs on a fixture as {@link IdempotencyStoreContract} does, whose {@link
 * LeasedFixture#store()} is then also {@link ExpiredEntries}. Nothing else may use the store at the
 * same time.
 */
public abstract class ExpiredEntriesContract extends LeasedContract {

  private static final Duration LONG_AGO = Duration.ofDays(100);

  /** For subclasses. */
  protected ExpiredEntriesContract() {}

  /**
   * The purge of the store under test.
   *
   * @return the capability of {@link #store()}, unless overridden
   */
  protected ExpiredEntries entries() {
    return store().capability(ExpiredEntries.class).orElseThrow();
  }

  @BeforeEach
  void forgetEarlierCases() {
    Together.await("purge of earlier cases", () -> entries().purgeExpired(1000) == 0);
  }

  @Test
  void purgeIsBounded() {
    for (int i = 0; i < 5; i++) {
      longExpired();
    }

    assertThat(entries().purgeExpired(3)).isEqualTo(3);
    assertThat(entries().purgeExpired(3)).isEqualTo(2);
    assertThat(entries().purgeExpired(3)).isZero();
  }

  @Test
  void oldestArePurgedFirst() {
    Lease younger = longExpired();
    Lease older = longExpired();
    age(older.id(), LONG_AGO);

    assertThat(entries().purgeExpired(1)).isEqualTo(1);
    // Held if the record is still there: a completion that took effect is repeated.
    assertThat(repeatedCompletion(older)).isEqualTo(LeaseCheck.LOST);
    assertThat(repeatedCompletion(younger)).isEqualTo(LeaseCheck.HELD);
  }

  @Test
  void onlyExpiredOutcomesArePurged() {
    Lease fresh = completed();
    Lease running = acquireNew();
    Lease abandoned = acquireNew();
    age(abandoned.id(), LONG_AGO);

    assertThat(entries().purgeExpired(100)).isZero();
    assertThat(store().claim(Requests.claimOf(fresh.id()))).isInstanceOf(Claim.Completed.class);
    assertThat(store().claim(Requests.claimOf(running.id()))).isInstanceOf(Claim.Running.class);
    assertThat(store().claim(Requests.claimOf(abandoned.id()))).isInstanceOf(Claim.Abandoned.class);
    assertThat(store().complete(abandoned, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(entries().purgeExpired(100)).isZero();
    assertThat(store().claim(Requests.claimOf(abandoned.id()))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void stuckRecordsDoNotStandInTheWay() {
    for (int i = 0; i < 10; i++) {
      age(acquireNew().id(), LONG_AGO.multipliedBy(2));
    }
    for (int i = 0; i < 4; i++) {
      longExpired();
    }

    assertThat(entries().purgeExpired(2)).isEqualTo(2);
    assertThat(entries().purgeExpired(2)).isEqualTo(2);
    assertThat(entries().purgeExpired(2)).isZero();
  }

  @Test
  void concurrentPurgesDeleteEachRecordOnce() {
    for (int i = 0; i < 40; i++) {
      longExpired();
    }
    Callable<Integer> purge =
        () -> {
          int sum = 0;
          for (int i = 0; i < 20; i++) {
            sum += entries().purgeExpired(5);
          }
          return sum;
        };

    List<Integer> deleted = Together.run(List.of(purge, purge));

    // Of two stores the greater number is told, and each purge may come first in one of them.
    int most = store() instanceof FailoverStore ? 80 : 40;
    assertThat(deleted.get(0) + deleted.get(1)).isBetween(40, most);
    assertThat(entries().purgeExpired(5)).as("what is left").isZero();
  }

  @Test
  void lagIsTheAgeOfTheOldestExpiredOutcome() {
    assertThat(entries().purgeLag()).contains(Duration.ZERO);
    completed();
    assertThat(entries().purgeLag()).as("nothing has expired").contains(Duration.ZERO);
    Lease abandoned = acquireNew();
    age(abandoned.id(), LONG_AGO.multipliedBy(2));
    // Stores that age as a whole have expired the record above by now.
    entries().purgeExpired(100);
    assertThat(entries().purgeLag()).as("what is never purged").contains(Duration.ZERO);

    Lease older = completed();
    age(older.id(), Requests.RETENTION.plusHours(2));
    Lease younger = completed();
    age(younger.id(), Requests.RETENTION.plusHours(1));
    Duration behind = entries().purgeLag().orElseThrow();
    assertThat(behind).isGreaterThan(Duration.ofHours(1).plusMinutes(30));
    assertThat(entries().purgeExpired(100)).isEqualTo(2);
    assertThat(entries().purgeLag()).contains(Duration.ZERO);
  }

  @Test
  void purgeOfNothingIsRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> entries().purgeExpired(0));
  }

  @Test
  void successorOfAnExpiredOutcomeIsNeverPurged() {
    for (int round = 0; round < ROUNDS; round++) {
      RecordId id = longExpired().id();
      Callable<Boolean> successor =
          () -> {
            Lease lease = acquire(id);
            return otherStore().complete(lease, StoredOutcome.nullResult(), Requests.RETENTION)
                == LeaseCheck.HELD;
          };
      Callable<Boolean> purge = () -> entries().purgeExpired(10) >= 0;

      assertThat(Together.run(List.of(successor, purge, purge))).containsOnly(true);
      assertThat(store().claim(Requests.claimOf(id)))
          .isEqualTo(new Claim.Completed(Fingerprint.of("request"), StoredOutcome.nullResult()));
    }
  }

  /** Seeded; see the message of its failure for how to play a history again. */
  @Test
  void storeAnswersAsItsModelDoes() {
    for (Seed seed : Seed.of(8)) {
      forgetEarlierCases();
      new RandomHistory(seed, this).with(entries()).play(40);
    }
  }

  private Lease acquireNew() {
    return acquire(Requests.newId());
  }

  private Lease longExpired() {
    Lease lease = completed();
    age(lease.id(), LONG_AGO);
    return lease;
  }

  private LeaseCheck repeatedCompletion(Lease lease) {
    return store().complete(lease, StoredOutcome.done(), Requests.RETENTION);
  }
}
