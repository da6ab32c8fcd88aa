package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** Who owns a key that is claimed, and which keys are one and the same. */
abstract class ClaimCases extends LeasedContract {

  @Test
  void absentKeyIsAcquired() {
    ClaimRequest request = Requests.claimOf(Requests.newId());

    assertThat(store().claim(request))
        .isEqualTo(new Claim.Acquired(new Lease(request.id(), request.token(), 1)));
  }

  @Test
  void liveLeaseIsRunningToEverybodyElse() {
    Lease lease = acquire(Requests.newId());

    for (IdempotencyStore client : List.of(store(), otherStore())) {
      assertRunning(client.claim(Requests.claimOf(lease.id())));
      assertRunning(client.claim(Requests.takeOverOf(lease.id())));
    }
  }

  @Test
  void repeatedClaimUnderTheSameTokenIsAcquiredAgain() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    Claim first = store().claim(request);

    assertThat(store().claim(request)).isEqualTo(first);
    assertThat(otherStore().claim(request)).isEqualTo(first);
  }

  @Test
  void repeatedClaimAfterItsLeaseRanOutHoldsAFreshLease() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    Claim first = store().claim(request);
    age(request.id(), Requests.LEASE.plus(SECOND));

    assertThat(store().claim(request)).isEqualTo(first);
    assertRunning(otherStore().claim(Requests.takeOverOf(request.id())));
  }

  @Test
  void repeatedTakeOverKeepsItsAttempt() {
    RecordId id = abandoned().id();
    ClaimRequest request = Requests.takeOverOf(id);
    Claim first = store().claim(request);

    assertThat(first).isEqualTo(new Claim.Acquired(new Lease(id, request.token(), 2)));
    assertThat(store().claim(request)).isEqualTo(first);
  }

  @Test
  void repeatedClaimAfterItsOwnCompletionIsCompleted() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    complete(acquired(store().claim(request)), StoredOutcome.done());

    assertCompleted(store().claim(request), StoredOutcome.done());
  }

  @Test
  void oneOfManyConcurrentClaimsIsAcquired() {
    RecordId id = Requests.newId();
    List<Callable<Claim>> claims = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      IdempotencyStore client = i % 2 == 0 ? store() : otherStore();
      claims.add(() -> client.claim(Requests.takeOverOf(id)));
    }

    List<Claim> answers = Together.run(claims);

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(answers).filteredOn(Claim.Running.class::isInstance).hasSize(63);
  }

  @Test
  void oneOfTwoConcurrentClaimsOfAFreedKeyIsAcquired() {
    for (int round = 0; round < ROUNDS; round++) {
      Lease lease = acquire(Requests.newId());
      assertThat(store().release(lease)).isEqualTo(LeaseCheck.HELD);
      assertOneAcquires(lease.id());
    }
  }

  @Test
  void idsThatDifferInOneBitAreDifferentKeys() {
    RecordId id = Requests.newId();
    acquire(id);

    for (int bit : new int[] {0, 5, 7, 8, 31, 32, 62, 63}) {
      acquire(new RecordId(id.high() ^ (1L << bit), id.low()));
      acquire(new RecordId(id.high(), id.low() ^ (1L << bit)));
    }
  }

  @Test
  void idsOfZeroBytesAndBlanksAreKept() {
    Random random = new Random();
    // A blank or a zero at the end is what padding and trimming would lose.
    for (long end : new long[] {0x00L, 0x20L, 0x2020202020202020L, 0xFFL, 0x5C27223B2D2D0A00L}) {
      RecordId id = new RecordId(random.nextLong(), end);
      Lease lease = acquire(id);
      acquire(new RecordId(id.high(), end ^ 0x20L << 8));
      complete(lease, StoredOutcome.nullResult());
      assertCompleted(store().claim(Requests.claimOf(id)), StoredOutcome.nullResult());
    }
  }

  @Test
  void labelsOfAnyKindNeitherFailNorMerge() {
    List<String> keys =
        List.of(
            "",
            " ",
            "abc",
            "ABC",
            "abc ",
            "a\u0301bc",
            "\u00e1bc",
            "\u00df",
            "ss",
            "\ud83d\ude00",
            "\ud83d\ude01",
            "nul\u0000nul",
            "half \ud83d",
            "'; DROP TABLE x; --",
            "\\",
            "%_",
            "x".repeat(10_000),
            "\u20ac".repeat(5_000));
    for (String key : keys) {
      ClaimRequest claim = Requests.claimOf(Requests.newId());
      ClaimRequest request = Requests.with(claim, new RecordLabel(key, key, key, key));

      Lease lease = acquired(store().claim(request));
      complete(lease, StoredOutcome.done());
      assertCompleted(otherStore().claim(Requests.claimOf(request.id())), StoredOutcome.done());
    }
  }

  @Test
  void timesOfAnyLengthAreKept() {
    Duration forEver = Duration.ofSeconds(Long.MAX_VALUE);
    ClaimRequest longest = Requests.with(Requests.claimOf(Requests.newId()), forEver, forEver);
    Lease lease = acquired(store().claim(longest));
    assertRunning(otherStore().claim(Requests.takeOverOf(lease.id())));
    assertThat(store().renew(lease, forEver)).isEqualTo(LeaseCheck.HELD);
    assertThat(store().complete(lease, StoredOutcome.done(), forEver)).isEqualTo(LeaseCheck.HELD);
    assertCompleted(otherStore().claim(longest), StoredOutcome.done());

    ClaimRequest shortest =
        Requests.with(
            Requests.claimOf(Requests.newId()), Duration.ofMillis(1), Duration.ofMillis(1));
    acquired(store().claim(shortest));
    age(shortest.id(), SECOND);
    assertAbandoned(otherStore().claim(Requests.claimOf(shortest.id())), 1);
  }
}
