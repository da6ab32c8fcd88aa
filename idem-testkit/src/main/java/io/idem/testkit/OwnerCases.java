package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.Test;

/** What the owner of a key may do with it, and nobody else. */
abstract class OwnerCases extends ClaimCases {

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

  /** A result is durable before anybody sees it: what is HELD, every node knows. */
  @Test
  void outcomeIsThereForOtherNodesAtOnce() {
    for (int round = 0; round < ROUNDS; round++) {
      Lease lease = acquire(Requests.newId());
      complete(lease, StoredOutcome.nullResult());
      assertCompleted(
          otherStore().claim(Requests.takeOverOf(lease.id())), StoredOutcome.nullResult());
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

  @Test
  void everyBitOfATokenCounts() {
    Lease lease = acquire(Requests.newId());
    long high = lease.token().high();
    long low = lease.token().low();
    for (int bit : new int[] {0, 7, 8, 31, 32, 63}) {
      for (OwnerToken token :
          List.of(
              new OwnerToken(high ^ 1L << bit, low),
              new OwnerToken(high, low ^ 1L << bit),
              new OwnerToken(low, high))) {
        assertLost(new Lease(lease.id(), token, lease.attempt()));
      }
    }
    complete(lease, StoredOutcome.nullResult());
  }

  @Test
  void pausedOwnerTouchesNothingOfItsSuccessors() {
    Lease paused = abandoned();
    Lease second = acquired(otherStore().claim(Requests.takeOverOf(paused.id())));
    assertLost(paused);
    assertThat(otherStore().renew(second, Requests.LEASE)).isEqualTo(LeaseCheck.HELD);

    // Its successor frees the key: the record it once owned is gone.
    assertThat(otherStore().release(second)).isEqualTo(LeaseCheck.HELD);
    assertLost(paused);
    assertLost(second);

    Lease third = acquired(otherStore().claim(Requests.claimOf(paused.id())));
    assertLost(paused);
    assertLost(second);
    complete(third, StoredOutcome.nullResult());
    assertLost(paused);
    assertLost(second);
    assertCompleted(store().claim(Requests.claimOf(paused.id())), StoredOutcome.nullResult());
  }

  @Test
  void ownerThatReleasedMayClaimAgainUnderItsToken() {
    ClaimRequest request = Requests.claimOf(Requests.newId());
    Lease lease = acquired(store().claim(request));
    assertThat(store().release(lease)).isEqualTo(LeaseCheck.HELD);

    assertThat(otherStore().claim(request)).isEqualTo(new Claim.Acquired(lease));
    assertRunning(store().claim(Requests.takeOverOf(lease.id())));
    complete(lease, StoredOutcome.done());
  }

  /** No verb of this lease does anything. */
  private void assertLost(Lease lease) {
    for (IdempotencyStore client : List.of(store(), otherStore())) {
      assertThat(client.renew(lease, Duration.ZERO)).isEqualTo(LeaseCheck.LOST);
      assertThat(client.release(lease)).isEqualTo(LeaseCheck.LOST);
      assertThat(client.complete(lease, StoredOutcome.done(), Requests.RETENTION))
          .isEqualTo(LeaseCheck.LOST);
    }
  }
}
