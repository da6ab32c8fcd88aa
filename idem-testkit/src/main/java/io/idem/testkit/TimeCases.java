package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TimeZone;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.api.parallel.Resources;

/** What becomes of a key as time goes by. */
abstract class TimeCases extends OwnerCases {

  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});

  @Test
  void leaseThatRanOutIsAbandoned() {
    Lease lease = abandoned();

    assertAbandoned(store().claim(Requests.claimOf(lease.id())), 1);
    assertAbandoned(otherStore().claim(Requests.claimOf(lease.id())), 1);
  }

  @Test
  void leaseHoldsUntilItsEnd() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Requests.LEASE.minus(SECOND.multipliedBy(30)));

    assertRunning(store().claim(Requests.takeOverOf(lease.id())));
  }

  @Test
  void everyTakeOverCountsAnAttempt() {
    Lease lease = abandoned();
    for (int attempt = 2; attempt < 5; attempt++) {
      ClaimRequest request = Requests.takeOverOf(lease.id());
      assertThat(store().claim(request))
          .isEqualTo(new Claim.Acquired(new Lease(lease.id(), request.token(), attempt)));
      age(lease.id(), Requests.LEASE.plus(SECOND));
      assertAbandoned(store().claim(Requests.claimOf(lease.id())), attempt);
    }
  }

  @Test
  void oneOfTwoConcurrentTakersWins() {
    for (int round = 0; round < ROUNDS; round++) {
      assertOneAcquires(abandoned().id());
    }
  }

  @Test
  void differentRequestNeverTakesOver() {
    Lease lease = abandoned();
    ClaimRequest other = Requests.with(Requests.takeOverOf(lease.id()), OTHER_REQUEST);

    assertAbandoned(store().claim(other), 1);
    // And nothing changed: the owner may still complete.
    complete(lease, StoredOutcome.done());
  }

  @Test
  void requestWithNothingToCompareTakesOver() {
    acquired(store().claim(Requests.with(Requests.takeOverOf(abandoned().id()), Fingerprint.NONE)));

    ClaimRequest first = Requests.with(Requests.claimOf(Requests.newId()), Fingerprint.NONE);
    acquired(store().claim(first));
    age(first.id(), Requests.LEASE.plus(SECOND));
    acquired(store().claim(Requests.takeOverOf(first.id())));
  }

  @Test
  void requestWithNothingToCompareTakesOverForTheRecordsOwnRequest() {
    ClaimRequest first = Requests.claimOf(Requests.newId());
    acquired(store().claim(first));
    age(first.id(), Requests.LEASE.plus(SECOND));

    Lease lease =
        acquired(store().claim(Requests.with(Requests.takeOverOf(first.id()), Fingerprint.NONE)));
    complete(lease, StoredOutcome.done());

    assertThat(store().claim(Requests.with(Requests.claimOf(first.id()), OTHER_REQUEST)))
        .isEqualTo(new Claim.Completed(first.fingerprint(), StoredOutcome.done()));
  }

  @Test
  void keyWithoutAnOutcomeNeverExpires() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Duration.ofDays(10_000));

    assertAbandoned(store().claim(Requests.claimOf(lease.id())), 1);
    complete(lease, StoredOutcome.done());
    assertCompleted(store().claim(Requests.claimOf(lease.id())), StoredOutcome.done());
  }

  // ---- fingerprints

  @Test
  void everyAnswerCarriesTheStoredFingerprint() {
    for (Fingerprint stored : List.of(Fingerprint.of("request"), Fingerprint.NONE)) {
      ClaimRequest first = Requests.with(Requests.claimOf(Requests.newId()), stored);
      ClaimRequest other = Requests.with(Requests.claimOf(first.id()), OTHER_REQUEST);
      Lease lease = acquired(store().claim(first));

      assertThat(((Claim.Running) store().claim(other)).fingerprint()).isEqualTo(stored);
      age(first.id(), Requests.LEASE.plus(SECOND));
      assertThat(((Claim.Abandoned) store().claim(other)).fingerprint()).isEqualTo(stored);
      complete(lease, StoredOutcome.done());
      assertThat(((Claim.Completed) store().claim(other)).fingerprint()).isEqualTo(stored);
    }
  }

  // ---- expiry

  @Test
  void outcomeIsKeptForItsRetention() {
    Lease lease = completed();
    age(lease.id(), Requests.RETENTION.minus(SECOND.multipliedBy(30)));

    assertCompleted(store().claim(Requests.claimOf(lease.id())), StoredOutcome.done());
  }

  @Test
  void retentionCountsFromTheCompletion() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Requests.RETENTION.multipliedBy(3));
    complete(lease, StoredOutcome.done());
    age(lease.id(), Requests.RETENTION.minus(SECOND.multipliedBy(30)));

    assertCompleted(store().claim(Requests.claimOf(lease.id())), StoredOutcome.done());
  }

  @Test
  void expiredOutcomeIsAbsent() {
    Lease old = expired();
    ClaimRequest request = Requests.with(Requests.claimOf(old.id()), OTHER_REQUEST);

    assertThat(store().claim(request))
        .isEqualTo(new Claim.Acquired(new Lease(old.id(), request.token(), 1)));
    assertThat(((Claim.Running) otherStore().claim(Requests.claimOf(old.id()))).fingerprint())
        .isEqualTo(OTHER_REQUEST);
  }

  @Test
  void ownerOfAnExpiredOutcomeCannotTouchItsSuccessor() {
    Lease old = expired();
    Lease successor = acquire(old.id());

    assertThat(store().complete(old, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertThat(store().release(old)).isEqualTo(LeaseCheck.LOST);
    assertThat(store().renew(old, Duration.ZERO)).isEqualTo(LeaseCheck.LOST);
    complete(successor, StoredOutcome.nullResult());
    assertCompleted(store().claim(Requests.claimOf(old.id())), StoredOutcome.nullResult());
  }

  @Test
  void oneOfTwoConcurrentClaimsOfAnExpiredKeyIsAcquired() {
    for (int round = 0; round < ROUNDS; round++) {
      assertOneAcquires(expired().id());
    }
  }

  @Test
  void winnerOfAnExpiredKeyKeepsItWhileOthersLook() {
    for (int round = 0; round < ROUNDS; round++) {
      RecordId id = expired().id();
      List<Callable<Boolean>> rivals = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        IdempotencyStore client = i % 2 == 0 ? store() : otherStore();
        rivals.add(() -> completesWhatItAcquires(client, id));
      }

      assertThat(Together.run(rivals)).filteredOn(won -> won).hasSize(1);
      assertCompleted(otherStore().claim(Requests.claimOf(id)), StoredOutcome.nullResult());
    }
  }

  private static boolean completesWhatItAcquires(IdempotencyStore client, RecordId id) {
    if (client.claim(Requests.claimOf(id)) instanceof Claim.Acquired acquired) {
      assertThat(client.renew(acquired.lease(), Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
      assertThat(client.complete(acquired.lease(), StoredOutcome.nullResult(), Requests.RETENTION))
          .isEqualTo(LeaseCheck.HELD);
      return true;
    }
    return false;
  }

  @Test
  void completionDecidesHowLongAnOutcomeIsKept() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    ClaimRequest brief = Requests.with(request, Requests.LEASE, SECOND);
    Lease lease = acquired(store().claim(brief));
    complete(lease, StoredOutcome.done());

    // A repeat, whose answer was lost, does not cut it.
    assertThat(store().complete(lease, StoredOutcome.done(), Duration.ofMillis(1)))
        .isEqualTo(LeaseCheck.HELD);
    age(lease.id(), Requests.RETENTION.minus(SECOND.multipliedBy(30)));
    assertCompleted(otherStore().claim(Requests.claimOf(lease.id())), StoredOutcome.done());
  }

  // ---- whose clock

  /**
   * A node whose clock is hours off neither takes a live key over nor holds on to an expired one:
   * its clock is not asked. What a store may read is the time that has passed.
   */
  @Test
  void storeNeverAsksTheClockOfItsNode() {
    for (IdempotencyStore client : List.of(store(), otherStore())) {
      assertThat(ApplicationClock.readBy(client.getClass()))
          .as("Times are the store's to read: compute with its clock in the statement that writes")
          .isEmpty();
    }
  }

  @Test
  @ResourceLock(Resources.TIME_ZONE)
  void timeZoneOfANodeChangesNothing() {
    List<TimeZone> zones = Zones.hostile();
    Zones.run(
        zones,
        (here, there) -> {
          ClaimRequest request = Requests.claimOf(Requests.newId());
          Lease lease = Zones.in(here, () -> acquired(store().claim(request)));
          Claim.Running running =
              (Claim.Running)
                  Zones.in(there, () -> otherStore().claim(Requests.takeOverOf(request.id())));
          assertThat(running.leaseLeft())
              .isBetween(Requests.LEASE.dividedBy(2), Requests.LEASE.plus(SECOND));
          age(request.id(), Requests.LEASE.plus(SECOND));
          assertAbandoned(
              Zones.in(there, () -> otherStore().claim(Requests.claimOf(request.id()))), 1);
          Zones.in(here, () -> store().renew(lease, Requests.LEASE));
          assertRunning(
              Zones.in(there, () -> otherStore().claim(Requests.takeOverOf(request.id()))));

          Zones.in(there, () -> otherStore().complete(lease, ANSWER, Requests.RETENTION));
          age(request.id(), Requests.RETENTION.minus(SECOND.multipliedBy(30)));
          assertCompleted(
              Zones.in(here, () -> store().claim(Requests.claimOf(request.id()))), ANSWER);
          age(request.id(), Requests.LEASE.plus(SECOND.multipliedBy(60)));
          acquired(Zones.in(there, () -> otherStore().claim(Requests.claimOf(request.id()))));
        });
  }
}
