package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
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

/**
 * What every store of leased keys owes its callers.
 *
 * <p>A backend extends this class and passes every case; there is none to skip. Records of earlier
 * cases may still be in the store.
 */
public abstract class IdempotencyStoreContract {

  private static final int ROUNDS = 20;
  private static final Duration SECOND = Duration.ofSeconds(1);
  private static final Fingerprint OTHER_REQUEST = Fingerprint.of("another request");

  /** For subclasses. */
  protected IdempotencyStoreContract() {}

  /**
   * The store under test.
   *
   * @return a client of it
   */
  protected abstract IdempotencyStore store();

  /**
   * The same store as another node sees it.
   *
   * @return a client that shares nothing with {@link #store()} but the stored records
   */
  protected abstract IdempotencyStore otherStore();

  /**
   * Makes a record older, instead of sleeping.
   *
   * @param id whose
   * @param by how far every time stored with it is moved into the past
   */
  protected abstract void age(RecordId id, Duration by);

  // ---- claiming

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

  // ---- completing

  @Test
  void outcomeOfEveryKindIsReplayed() {
    byte[] everyByte = new byte[256];
    for (int i = 0; i < everyByte.length; i++) {
      everyByte[i] = (byte) i;
    }
    byte[] large = new byte[1 << 20];
    new Random(1).nextBytes(large);
    List<StoredOutcome> outcomes =
        List.of(
            StoredOutcome.done(),
            StoredOutcome.nullResult(),
            StoredOutcome.result(new byte[0]),
            StoredOutcome.result(new byte[4]),
            StoredOutcome.result(everyByte),
            StoredOutcome.result(large),
            StoredOutcome.failure("card-declined \ud83d\ude00", everyByte),
            StoredOutcome.notStored("too large"));
    for (StoredOutcome outcome : outcomes) {
      Lease lease = acquire(Requests.newId());
      complete(lease, outcome);

      assertCompleted(store().claim(Requests.claimOf(lease.id())), outcome);
      assertCompleted(otherStore().claim(Requests.takeOverOf(lease.id())), outcome);
    }
  }

  @Test
  void repeatedCompletionIsHeldAndKeepsTheFirstOutcome() {
    Lease lease = acquire(Requests.newId());
    StoredOutcome outcome = StoredOutcome.result(new byte[] {1});
    complete(lease, outcome);

    assertThat(store().complete(lease, outcome, Requests.RETENTION)).isEqualTo(LeaseCheck.HELD);
    assertThat(
            otherStore().complete(lease, StoredOutcome.result(new byte[] {2}), Requests.RETENTION))
        .isEqualTo(LeaseCheck.HELD);
    assertCompleted(store().claim(Requests.claimOf(lease.id())), outcome);
  }

  @Test
  void completionByAStrangerIsLostAndChangesNothing() {
    Lease lease = acquire(Requests.newId());

    assertThat(store().complete(strangerTo(lease), StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertRunning(store().claim(Requests.claimOf(lease.id())));
    complete(lease, StoredOutcome.nullResult());
    assertThat(store().complete(strangerTo(lease), StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertCompleted(store().claim(Requests.claimOf(lease.id())), StoredOutcome.nullResult());
  }

  @Test
  void completionOfAnAbsentKeyIsLost() {
    Lease lease = new Lease(Requests.newId(), Requests.newToken(), 1);

    assertThat(store().complete(lease, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    acquire(lease.id());
  }

  @Test
  void lateCompletionIsHeldWhileNobodyTookOver() {
    Lease lease = abandoned();

    complete(lease, StoredOutcome.nullResult());
    assertCompleted(store().claim(Requests.takeOverOf(lease.id())), StoredOutcome.nullResult());
  }

  @Test
  void lateCompletionIsLostAfterATakeOver() {
    Lease late = abandoned();
    Lease successor = acquired(otherStore().claim(Requests.takeOverOf(late.id())));

    assertThat(store().complete(late, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertRunning(store().claim(Requests.claimOf(late.id())));
    complete(successor, StoredOutcome.nullResult());
    assertThat(store().complete(late, StoredOutcome.done(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertCompleted(store().claim(Requests.claimOf(late.id())), StoredOutcome.nullResult());
  }

  @Test
  void eitherTheLateCompletionOrTheTakeOverSucceeds() {
    for (int round = 0; round < ROUNDS; round++) {
      Lease late = abandoned();
      List<Object> answers =
          Together.run(
              List.<Callable<Object>>of(
                  () -> store().complete(late, StoredOutcome.done(), Requests.RETENTION),
                  () -> otherStore().claim(Requests.takeOverOf(late.id()))));

      assertThat(answers.get(0) == LeaseCheck.HELD)
          .as("completed %s and taken over %s", answers.get(0), answers.get(1))
          .isNotEqualTo(answers.get(1) instanceof Claim.Acquired);
    }
  }

  @Test
  void eitherTheLateRenewalOrTheTakeOverSucceeds() {
    for (int round = 0; round < 3 * ROUNDS; round++) {
      Lease late = abandoned();
      List<Object> answers =
          Together.run(
              List.<Callable<Object>>of(
                  () -> store().renew(late, Requests.LEASE),
                  () -> otherStore().claim(Requests.takeOverOf(late.id()))));

      assertThat(answers.get(0) == LeaseCheck.HELD)
          .as("renewed %s and taken over %s", answers.get(0), answers.get(1))
          .isNotEqualTo(answers.get(1) instanceof Claim.Acquired);
    }
  }

  // ---- releasing and renewing

  @Test
  void releaseFreesTheKey() {
    Lease lease = acquire(Requests.newId());

    assertThat(store().release(lease)).isEqualTo(LeaseCheck.HELD);
    assertThat(store().release(lease)).isEqualTo(LeaseCheck.LOST);
    assertThat(acquire(lease.id()).attempt()).isEqualTo(1);
  }

  @Test
  void releaseByAStrangerIsLostAndChangesNothing() {
    Lease lease = acquire(Requests.newId());

    assertThat(store().release(strangerTo(lease))).isEqualTo(LeaseCheck.LOST);
    assertRunning(store().claim(Requests.claimOf(lease.id())));
  }

  @Test
  void releaseAfterATakeOverIsLost() {
    Lease late = abandoned();
    acquired(otherStore().claim(Requests.takeOverOf(late.id())));

    assertThat(store().release(late)).isEqualTo(LeaseCheck.LOST);
    assertRunning(store().claim(Requests.claimOf(late.id())));
  }

  @Test
  void completedKeyIsNeitherReleasedNorRenewed() {
    Lease lease = acquire(Requests.newId());
    complete(lease, StoredOutcome.nullResult());

    assertThat(store().release(lease)).isEqualTo(LeaseCheck.LOST);
    assertThat(store().renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.LOST);
    assertCompleted(store().claim(Requests.claimOf(lease.id())), StoredOutcome.nullResult());
  }

  @Test
  void renewalExtendsTheLease() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Requests.LEASE.minus(SECOND.multipliedBy(10)));

    assertThat(store().renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    age(lease.id(), Requests.LEASE.dividedBy(2));
    assertRunning(otherStore().claim(Requests.takeOverOf(lease.id())));
  }

  @Test
  void renewalRevivesALeaseThatRanOut() {
    Lease lease = abandoned();

    assertThat(store().renew(lease, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);
    assertRunning(otherStore().claim(Requests.takeOverOf(lease.id())));
  }

  @Test
  void renewalByAStrangerIsLostAndChangesNothing() {
    Lease lease = acquire(Requests.newId());

    assertThat(store().renew(strangerTo(lease), Duration.ZERO)).isEqualTo(LeaseCheck.LOST);
    assertRunning(otherStore().claim(Requests.takeOverOf(lease.id())));
    age(lease.id(), Requests.LEASE.plus(SECOND));
    assertThat(store().renew(strangerTo(lease), Requests.LEASE)).isEqualTo(LeaseCheck.LOST);
    assertAbandoned(store().claim(Requests.claimOf(lease.id())), 1);
  }

  @Test
  void renewalAfterATakeOverIsLost() {
    Lease late = abandoned();
    acquired(otherStore().claim(Requests.takeOverOf(late.id())));

    assertThat(store().renew(late, Duration.ZERO)).isEqualTo(LeaseCheck.LOST);
    assertRunning(store().claim(Requests.claimOf(late.id())));
  }

  @Test
  void renewalForNoTimeAbandonsTheKeyAtOnce() {
    Lease lease = acquire(Requests.newId());

    assertThat(store().renew(lease, Duration.ZERO)).isEqualTo(LeaseCheck.HELD);
    assertAbandoned(otherStore().claim(Requests.claimOf(lease.id())), 1);
  }

  // ---- abandoned keys

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

  // ---- helpers

  private Lease acquire(RecordId id) {
    return acquired(store().claim(Requests.claimOf(id)));
  }

  private Lease abandoned() {
    Lease lease = acquire(Requests.newId());
    age(lease.id(), Requests.LEASE.plus(SECOND));
    return lease;
  }

  private Lease completed() {
    Lease lease = acquire(Requests.newId());
    complete(lease, StoredOutcome.done());
    return lease;
  }

  private Lease expired() {
    Lease lease = completed();
    // A store may keep it for the length of the lease longer.
    age(lease.id(), Requests.RETENTION.plus(Requests.LEASE).plus(SECOND.multipliedBy(30)));
    return lease;
  }

  private void complete(Lease lease, StoredOutcome outcome) {
    assertThat(store().complete(lease, outcome, Requests.RETENTION)).isEqualTo(LeaseCheck.HELD);
  }

  private void assertOneAcquires(RecordId id) {
    List<Claim> answers =
        Together.run(
            List.<Callable<Claim>>of(
                () -> store().claim(Requests.takeOverOf(id)),
                () -> otherStore().claim(Requests.takeOverOf(id))));

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(answers).filteredOn(Claim.Running.class::isInstance).hasSize(1);
  }

  private static Lease strangerTo(Lease lease) {
    return new Lease(lease.id(), Requests.newToken(), lease.attempt());
  }

  private static Lease acquired(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Acquired.class);
    return ((Claim.Acquired) claim).lease();
  }

  private static void assertRunning(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Running.class);
    assertThat(((Claim.Running) claim).leaseLeft()).isGreaterThan(Duration.ZERO);
  }

  private static void assertAbandoned(Claim claim, int attempt) {
    assertThat(claim).isEqualTo(new Claim.Abandoned(Fingerprint.of("request"), attempt));
  }

  private static void assertCompleted(Claim claim, StoredOutcome outcome) {
    assertThat(claim).isInstanceOf(Claim.Completed.class);
    assertThat(((Claim.Completed) claim).outcome()).isEqualTo(outcome);
  }
}
