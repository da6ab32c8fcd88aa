package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** What a transaction publishes, and what it leaves of itself when it does not commit. */
abstract class CommitCases extends TransactionalContract {

  private static final StoredOutcome ANSWER = StoredOutcome.result(new byte[] {4, 2});

  @Test
  void commitPublishesRecordAndEffect() {
    RecordId id = Requests.newId();

    assertThat(runInbox(store(), id)).isInstanceOf(Claim.Acquired.class);
    assertThat(effects(id)).isEqualTo(1);
    assertCompleted(runInbox(otherStore(), id), StoredOutcome.done());
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void answerIsReplayed() {
    byte[] large = new byte[1 << 20];
    for (StoredOutcome outcome :
        List.of(
            StoredOutcome.result(new byte[] {0, 1, 0}),
            StoredOutcome.result(large),
            StoredOutcome.nullResult(),
            StoredOutcome.failure("declined", new byte[] {7}),
            StoredOutcome.done())) {
      RecordId id = Requests.newId();
      store()
          .inTransaction(
              scope -> {
                Lease lease = acquired(scope.claim(Requests.claimOf(id), LONG));
                assertThat(lease.attempt()).isEqualTo(1);
                write(scope, id);
                return complete(scope, lease, outcome);
              });

      assertCompleted(runInbox(otherStore(), id), outcome);
      assertThat(leasedStore().claim(Requests.claimOf(id)))
          .isEqualTo(new Claim.Completed(Fingerprint.of("request"), outcome));
    }
  }

  @Test
  void failureRollsBackAndFreesTheKey() {
    RecordId id = Requests.newId();
    Exception failure = new Exception("declined");

    assertThatThrownBy(
            () ->
                store()
                    .inTransaction(
                        scope -> {
                          acquired(scope.claim(Requests.claimOf(id), LONG));
                          write(scope, id);
                          throw failure;
                        }))
        .isSameAs(failure);

    assertThat(effects(id)).isZero();
    assertThat(runInbox(otherStore(), id)).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void markRollsBackAndFreesTheKey() {
    RecordId id = Requests.newId();

    String answer =
        store()
            .inTransaction(
                scope -> {
                  acquired(inbox(scope, id, LONG));
                  write(scope, id);
                  assertThat(scope.isRollbackOnly()).isFalse();
                  scope.setRollbackOnly();
                  assertThat(scope.isRollbackOnly()).isTrue();
                  return "answer";
                });

    assertThat(answer).isEqualTo("answer");
    assertThat(effects(id)).isZero();
    assertThat(runInbox(otherStore(), id)).isInstanceOf(Claim.Acquired.class);
  }

  @Test
  void refusedCommitIsToldAsSuchAndFreesTheKey() {
    for (boolean answered : new boolean[] {false, true}) {
      RecordId id = Requests.newId();
      AtomicBoolean refused = new AtomicBoolean();
      Throwable thrown =
          catchThrowable(
              () ->
                  store()
                      .inTransaction(
                          scope -> {
                            Lease lease =
                                acquired(
                                    answered
                                        ? scope.claim(Requests.claimOf(id), LONG)
                                        : inbox(scope, id, LONG));
                            write(scope, id);
                            refused.set(fixture().writeUncommittable(scope));
                            return answered
                                ? scope.completeLast(lease, ANSWER, Requests.RETENTION)
                                : LeaseCheck.HELD;
                          }));

      if (refused.get()) {
        assertThat(thrown).isInstanceOf(CommitRefusedException.class);
      } else {
        assertThat(thrown).isNull();
      }
      assertThat(effects(id)).isEqualTo(refused.get() ? 0 : 1);
      assertThat(runInbox(otherStore(), id) instanceof Claim.Acquired).isEqualTo(refused.get());
    }
  }

  @Test
  void completionIsRepeatableAndTheOwnersOnly() {
    RecordId id = Requests.newId();
    store()
        .inTransaction(
            scope -> {
              Lease lease = acquired(scope.claim(Requests.claimOf(id), LONG));
              Lease stranger = new Lease(id, Requests.newToken(), 1);
              assertThat(scope.complete(stranger, StoredOutcome.done(), Requests.RETENTION))
                  .isEqualTo(LeaseCheck.LOST);
              complete(scope, lease, StoredOutcome.nullResult());
              return complete(scope, lease, StoredOutcome.nullResult());
            });

    assertCompleted(runInbox(store(), id), StoredOutcome.nullResult());
  }

  // ---- joining

  @Test
  void ownersCommitPublishesAndItsRollbackFrees() {
    for (boolean commit : new boolean[] {true, false}) {
      RecordId id = Requests.newId();
      inCallersTransaction(
          joining -> {
            joining.inTransaction(
                scope -> {
                  assertThat(scope.isJoined()).isTrue();
                  acquired(inbox(scope, id, LONG));
                  write(scope, id);
                  return true;
                });
            assertThat(effects(id)).isZero();
            return commit;
          });

      assertThat(effects(id)).isEqualTo(commit ? 1 : 0);
      assertThat(runInbox(store(), id) instanceof Claim.Completed).isEqualTo(commit);
    }
    store()
        .inTransaction(
            scope -> {
              assertThat(scope.isJoined()).isFalse();
              return true;
            });
  }

  @Test
  void ownerCannotCommitWhatFailed() {
    for (boolean failing : new boolean[] {true, false}) {
      RecordId id = Requests.newId();
      try {
        inCallersTransaction(
            joining -> {
              try {
                joining.inTransaction(
                    scope -> {
                      acquired(scope.claim(Requests.claimOf(id), LONG));
                      write(scope, id);
                      if (failing) {
                        throw new IllegalStateException("declined");
                      }
                      scope.setRollbackOnly();
                      return true;
                    });
              } catch (IllegalStateException swallowed) {
                assertThat(swallowed).hasMessage("declined");
              }
              return true;
            });
      } catch (RuntimeException toldThatItRolledBack) {
        // Where transactions can be marked, their owner is told.
        assertThat(toldThatItRolledBack).isNotNull();
      }

      assertThat(effects(id)).isZero();
      assertThat(runInbox(otherStore(), id)).isInstanceOf(Claim.Acquired.class);
    }
  }

  @Test
  void sameKeyInTheSameTransactionIsRunningAtOnce() {
    RecordId id = Requests.newId();
    inCallersTransaction(
        joining -> {
          joining.inTransaction(
              outer -> {
                Lease lease = acquired(outer.claim(Requests.claimOf(id), LONG));
                Claim nested =
                    within(
                        Duration.ofSeconds(10),
                        () ->
                            joining.inTransaction(
                                inner -> inner.claim(Requests.takeOverOf(id), LONG)));
                assertThat(nested)
                    .isEqualTo(new Claim.Running(Fingerprint.of("request"), Duration.ZERO));
                return complete(outer, lease, StoredOutcome.done());
              });
          return true;
        });

    assertCompleted(runInbox(store(), id), StoredOutcome.done());
  }

  @Test
  void severalKeysInOneTransactionKeepTheirOwn() {
    RecordId first = Requests.newId();
    RecordId second = Requests.newId();
    store()
        .inTransaction(
            scope -> {
              Lease one = acquired(scope.claim(Requests.claimOf(first), LONG));
              Lease two = acquired(scope.claim(Requests.claimOf(second), LONG));
              complete(scope, two, StoredOutcome.result(new byte[] {2}));
              return complete(scope, one, StoredOutcome.result(new byte[] {1}));
            });

    assertCompleted(runInbox(store(), first), StoredOutcome.result(new byte[] {1}));
    assertCompleted(runInbox(store(), second), StoredOutcome.result(new byte[] {2}));
  }

  @Test
  void uncommittedOutcomeIsNeverSeen() {
    RecordId id = Requests.newId();
    store()
        .inTransaction(
            scope -> {
              Lease lease = acquired(scope.claim(Requests.claimOf(id), LONG));
              write(scope, id);
              complete(scope, lease, StoredOutcome.nullResult());
              Together.run(
                  List.<Callable<Boolean>>of(
                      () -> {
                        assertThat(leasedStore().claim(Requests.takeOverOf(id)))
                            .isInstanceOf(Claim.Running.class);
                        Claim seen =
                            otherStore().inTransaction(other -> inbox(other, id, Duration.ZERO));
                        assertThat(seen).isInstanceOf(Claim.Running.class);
                        assertThat(effects(id)).isZero();
                        return true;
                      }));
              scope.setRollbackOnly();
              return true;
            });

    assertThat(runInbox(otherStore(), id)).isInstanceOf(Claim.Acquired.class);
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void everyAnswerCarriesTheStoredFingerprint() {
    for (Fingerprint stored : List.of(Fingerprint.of("request"), Fingerprint.NONE)) {
      ClaimRequest first = Requests.with(Requests.claimOf(Requests.newId()), stored);
      ClaimRequest misuse =
          Requests.with(Requests.claimOf(first.id()), Fingerprint.of("another request"));
      store().inTransaction(scope -> scope.claimCompleted(first, StoredOutcome.done(), LONG));

      for (TransactionalStore client : List.of(store(), otherStore())) {
        Claim claim = client.inTransaction(scope -> scope.claimCompleted(misuse, ANSWER, LONG));
        assertThat(claim).isEqualTo(new Claim.Completed(stored, StoredOutcome.done()));
        assertThat(
                client.<Claim, RuntimeException>inTransaction(scope -> scope.claim(misuse, LONG)))
            .isEqualTo(claim);
      }
    }
  }

  // ---- the caller's connection

  @Test
  void oneConnectionIsEnough() {
    RecordId expired = Requests.newId();
    runInbox(store(), expired);
    age(expired, Requests.RETENTION.multipliedBy(2));
    TransactionalStore small = fixture().storeOnOneConnection();
    for (RecordId id : List.of(Requests.newId(), expired)) {
      assertThat(runInbox(small, id)).isInstanceOf(Claim.Acquired.class);
      assertCompleted(runInbox(small, id), StoredOutcome.done());
    }
    RecordId answered = Requests.newId();
    small.inTransaction(
        scope -> {
          Lease lease = acquired(scope.claim(Requests.claimOf(answered), LONG));
          List<Claim> batch =
              scope.claimAllCompleted(
                  List.of(Requests.claimOf(Requests.newId()), Requests.claimOf(answered)),
                  StoredOutcome.done(),
                  LONG);
          assertThat(batch.get(0)).isInstanceOf(Claim.Acquired.class);
          assertThat(batch.get(1)).isInstanceOf(Claim.Running.class);
          return complete(scope, lease, ANSWER);
        });
    assertThatThrownBy(
            () ->
                small.inTransaction(
                    scope -> {
                      acquired(inbox(scope, Requests.newId(), LONG));
                      throw new IllegalStateException("declined");
                    }))
        .hasMessage("declined");

    // Whatever happened, the connection was given back.
    assertCompleted(runInbox(small, answered), ANSWER);
  }

  @Test
  void duplicateLeavesTheCallersTransactionUsable() {
    RecordId seen = Requests.newId();
    RecordId before = Requests.newId();
    RecordId after = Requests.newId();
    runInbox(store(), seen);

    inCallersTransaction(
        joining ->
            joining.inTransaction(
                scope -> {
                  write(scope, before);
                  assertCompleted(inbox(scope, seen, LONG), StoredOutcome.done());
                  assertCompleted(
                      scope.claim(Requests.takeOverOf(seen), Duration.ZERO), StoredOutcome.done());
                  write(scope, after);
                  acquired(inbox(scope, after, LONG));
                  return true;
                }));

    assertThat(effects(before)).isEqualTo(1);
    assertThat(effects(after)).isEqualTo(1);
    assertThat(effects(seen)).isEqualTo(1);
    assertCompleted(runInbox(otherStore(), after), StoredOutcome.done());
  }
}
