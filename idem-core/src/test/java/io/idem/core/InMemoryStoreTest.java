package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class InMemoryStoreTest {

  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final Duration RETENTION = Duration.ofHours(1);

  private final AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 5);
  private final InMemoryStore store = new InMemoryStore(50, clock::get);
  private long tokens;

  private ClaimRequest request(long id) {
    return new ClaimRequest(
        new RecordId(id, id),
        new RecordLabel("", "op", "", "k" + id),
        Fingerprint.NONE,
        new OwnerToken(0, tokens++),
        LEASE,
        RETENTION,
        false);
  }

  private Lease acquire(long id) {
    return ((Claim.Acquired) store.claim(request(id))).lease();
  }

  private void completeNew(long id) {
    assertThat(store.complete(acquire(id), StoredOutcome.done(), RETENTION))
        .isEqualTo(LeaseCheck.HELD);
  }

  private void passes(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  @Test
  void aFullStoreRefusesNewKeysAndServesTheOldOnes() {
    for (int id = 0; id < 50; id++) {
      completeNew(id);
    }
    for (int i = 0; i < 3; i++) {
      assertThatExceptionOfType(StoreUnavailableException.class)
          .isThrownBy(() -> store.claim(request(50)))
          .withMessageContaining("full: 50 records");
    }
    assertThat(store.claim(request(7))).isInstanceOf(Claim.Completed.class);
    assertThat(store.size()).isEqualTo(50);
  }

  @Test
  void aFullStoreMakesRoomOfWhatHasExpiredForAsManyKeysAsThatIs() {
    for (int id = 0; id < 50; id++) {
      completeNew(id);
    }
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> store.claim(request(99)));
    passes(RETENTION);
    for (int id = 100; id < 150; id++) {
      assertThat(store.claim(request(id))).isInstanceOf(Claim.Acquired.class);
    }
    assertThat(store.size()).isEqualTo(50);
  }

  @Test
  void whatIsRunningOrAbandonedIsNeverEvicted() {
    for (int id = 0; id < 50; id++) {
      acquire(id);
    }
    passes(Duration.ofDays(10_000));
    assertThat(store.purgeExpired(100)).isZero();
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> store.claim(request(50)));
    assertThat(store.claim(request(0))).isInstanceOf(Claim.Abandoned.class);
  }

  @Test
  void anExpiredRecordIsAbsentWhetherPurgedOrNot() {
    completeNew(1);
    passes(RETENTION.minusNanos(1));
    assertThat(store.claim(request(1))).isInstanceOf(Claim.Completed.class);
    passes(Duration.ofNanos(1));
    assertThat(store.size()).isEqualTo(1);
    assertThat(acquire(1).attempt()).isEqualTo(1);
  }

  @Test
  void aPurgeTakesAsManyAsItMay() {
    for (int id = 0; id < 10; id++) {
      completeNew(id);
    }
    acquire(10);
    assertThat(store.purgeExpired(100)).isZero();
    passes(RETENTION);
    completeNew(11);
    assertThat(List.of(store.purgeExpired(4), store.purgeExpired(100), store.purgeExpired(100)))
        .containsExactly(4, 6, 0);
    assertThat(store.size()).isEqualTo(2);
  }

  @Test
  void aClaimWhoseAnswerWasLostIsAnsweredAgain() {
    ClaimRequest request = request(1);
    Claim first = store.claim(request);
    assertThat(store.claim(request)).isEqualTo(first);
    passes(LEASE);
    assertThat(store.claim(request)).isEqualTo(first);
  }

  @Test
  void theOwnersTokenDecidesEveryWrite() {
    Lease lease = acquire(1);
    Lease stranger = new Lease(lease.id(), new OwnerToken(9, 9), 1);
    assertThat(store.complete(stranger, StoredOutcome.done(), RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertThat(store.release(stranger)).isEqualTo(LeaseCheck.LOST);
    assertThat(store.renew(stranger, Duration.ZERO)).isEqualTo(LeaseCheck.LOST);
    assertThat(store.claim(request(1))).isEqualTo(new Claim.Running(Fingerprint.NONE, LEASE));
    assertThat(store.complete(lease, StoredOutcome.nullResult(), RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertThat(store.complete(lease, StoredOutcome.done(), RETENTION)).isEqualTo(LeaseCheck.HELD);
    assertThat(store.release(lease)).isEqualTo(LeaseCheck.LOST);
    assertThat(store.renew(lease, LEASE)).isEqualTo(LeaseCheck.LOST);
    assertThat(store.claim(request(1)))
        .isEqualTo(new Claim.Completed(Fingerprint.NONE, StoredOutcome.nullResult()));
  }

  @Test
  void durationsBeyondTheClockCountAsVeryLong() {
    Duration forEver = Duration.ofSeconds(Long.MAX_VALUE);
    Lease lease = acquire(1);
    assertThat(store.renew(lease, forEver)).isEqualTo(LeaseCheck.HELD);
    passes(Duration.ofDays(10_000));
    assertThat(store.claim(request(1))).isInstanceOf(Claim.Running.class);
    assertThat(store.complete(lease, StoredOutcome.done(), forEver)).isEqualTo(LeaseCheck.HELD);
    passes(Duration.ofDays(10_000));
    assertThat(store.claim(request(1))).isInstanceOf(Claim.Completed.class);
  }

  @Test
  void aStoreHoldsAtLeastOneRecord() {
    assertThatIllegalArgumentException().isThrownBy(() -> new InMemoryStore(0));
  }
}
