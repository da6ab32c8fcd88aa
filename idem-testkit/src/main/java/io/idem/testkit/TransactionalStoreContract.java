package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/**
 * What every transactional store owes its callers.
 *
 * <p>A backend extends this class and passes every case; there is none to skip. An effect is a row
 * of the backend's choosing, written in the transaction under the name of a key.
 */
public abstract class TransactionalStoreContract {

  /** A wait that no case is to reach its end of. */
  private static final Duration LONG = Duration.ofSeconds(30);

  private static final Duration SHORT = Duration.ofMillis(300);
  private static final Duration SECOND = Duration.ofSeconds(1);

  /** For subclasses. */
  protected TransactionalStoreContract() {}

  /**
   * The store under test, which begins transactions of its own.
   *
   * @return a client of it
   */
  protected abstract TransactionalStore store();

  /**
   * The same store as another node sees it.
   *
   * @return a client that shares nothing with {@link #store()} but the stored records
   */
  protected abstract TransactionalStore otherStore();

  /**
   * The same records as leased keys.
   *
   * @return a leased store of the same records
   */
  protected abstract IdempotencyStore leasedStore();

  /**
   * Runs work in a transaction that the backend's own means begin and end.
   *
   * @param work what to run; the transaction is committed if it answers true, else rolled back
   */
  protected abstract void inCallersTransaction(CallersWork work);

  /**
   * Writes an effect in the transaction.
   *
   * @param scope the transaction
   * @param name the effect's name
   */
  protected abstract void write(TransactionScope scope, RecordId name);

  /**
   * Counts committed effects.
   *
   * @param name the effect's name
   * @return how often it was written
   */
  protected abstract int effects(RecordId name);

  /**
   * Counts the statements that wait for another transaction right now.
   *
   * @return how many the database knows of
   */
  protected abstract int waiting();

  /**
   * Makes a record older, instead of sleeping.
   *
   * @param id whose
   * @param by how far every time stored with it is moved into the past
   */
  protected abstract void age(RecordId id, Duration by);

  /** Work in a transaction that was there before. */
  @FunctionalInterface
  public interface CallersWork {

    /**
     * Does the work.
     *
     * @param joining a store that joins the caller's transaction
     * @return whether the caller is to commit
     */
    boolean run(TransactionalStore joining);
  }

  // ---- commit and rollback

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

  // ---- waiting for a rival

  @Test
  void waiterSeesTheOutcomeAfterTheCommit() {
    RecordId id = Requests.newId();

    assertCompleted(waiterWhile(id, false, true), StoredOutcome.nullResult());
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void waiterWinsAfterTheRollback() {
    RecordId id = Requests.newId();

    assertThat(waiterWhile(id, false, false)).isInstanceOf(Claim.Acquired.class);
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void joinedWaiterSeesTheOutcomeAfterTheCommit() {
    RecordId id = Requests.newId();

    assertCompleted(waiterWhile(id, true, true), StoredOutcome.nullResult());
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void joinedWaiterWinsAfterTheRollback() {
    RecordId id = Requests.newId();

    assertThat(waiterWhile(id, true, false)).isInstanceOf(Claim.Acquired.class);
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void boundOfTheWaitIsKeptAndTheTransactionUsable() {
    for (Duration wait : List.of(Duration.ZERO, SHORT)) {
      RecordId busy = Requests.newId();
      RecordId free = Requests.newId();
      whileHeld(
          busy,
          () ->
              store()
                  .inTransaction(
                      scope -> {
                        assertThat(timed(wait, () -> inbox(scope, busy, wait)))
                            .isInstanceOf(Claim.Running.class);
                        acquired(inbox(scope, free, wait));
                        // A second vain wait, now that there is something to lose.
                        assertThat(scope.claim(Requests.claimOf(busy), wait))
                            .isInstanceOf(Claim.Running.class);
                        write(scope, free);
                        return true;
                      }));

      assertThat(effects(free)).isEqualTo(1);
      assertCompleted(runInbox(store(), free), StoredOutcome.done());
    }
  }

  @Test
  void vainWaitLosesNothingOfAJoinedTransaction() {
    RecordId busy = Requests.newId();
    RecordId before = Requests.newId();
    RecordId after = Requests.newId();
    whileHeld(
        busy,
        () ->
            inCallersTransaction(
                joining -> {
                  joining.inTransaction(
                      scope -> {
                        write(scope, before);
                        assertThat(timed(SHORT, () -> inbox(scope, busy, SHORT)))
                            .isInstanceOf(Claim.Running.class);
                        write(scope, after);
                        return true;
                      });
                  return true;
                }));

    assertThat(effects(before)).isEqualTo(1);
    assertThat(effects(after)).isEqualTo(1);
    assertThat(effects(busy)).isEqualTo(1);
  }

  @Test
  void manyConcurrentRunsHaveOneEffect() {
    RecordId id = Requests.newId();
    List<Callable<Claim>> runs = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      TransactionalStore client = i % 2 == 0 ? store() : otherStore();
      runs.add(() -> runInbox(client, id));
    }

    List<Claim> answers = Together.run(runs);

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(answers).filteredOn(Claim.Completed.class::isInstance).hasSize(15);
    assertThat(effects(id)).isEqualTo(1);
  }

  @Test
  void oppositeOrdersEndWithoutHalfATransaction() {
    RecordId first = Requests.newId();
    RecordId second = Requests.newId();
    CountDownLatch bothHoldOne = new CountDownLatch(2);

    List<Boolean> committed =
        Together.run(
            List.<Callable<Boolean>>of(
                () -> both(store(), first, second, bothHoldOne),
                () -> both(otherStore(), second, first, bothHoldOne)));

    int commits = (int) committed.stream().filter(done -> done).count();
    assertThat(commits).isLessThanOrEqualTo(1);
    assertThat(effects(first)).isEqualTo(commits);
    assertThat(effects(second)).isEqualTo(commits);
    assertThat(runInbox(store(), first) instanceof Claim.Completed).isEqualTo(commits == 1);
  }

  // ---- beside leased keys

  @Test
  void leasedOwnersAreSeen() {
    RecordId id = Requests.newId();
    Lease lease = acquired(leasedStore().claim(Requests.claimOf(id)));
    Claim running = within(Duration.ofSeconds(10), () -> runInbox(store(), id));
    assertThat(running).isInstanceOf(Claim.Running.class);
    assertThat(((Claim.Running) running).leaseLeft()).isGreaterThan(Duration.ZERO);

    age(id, Requests.LEASE.plus(SECOND));
    assertThat(runInbox(store(), id)).isEqualTo(new Claim.Abandoned(Fingerprint.of("request"), 1));
    ClaimRequest other = Requests.with(Requests.takeOverOf(id), Fingerprint.of("another request"));
    assertThat(claimCompleted(other)).isInstanceOf(Claim.Abandoned.class);

    assertThat(acquired(claimCompleted(Requests.takeOverOf(id))).attempt()).isEqualTo(2);
    assertThat(leasedStore().complete(lease, StoredOutcome.nullResult(), Requests.RETENTION))
        .isEqualTo(LeaseCheck.LOST);
    assertCompleted(runInbox(store(), id), StoredOutcome.done());
  }

  @Test
  void leasedClaimsDoNotWaitForATransaction() {
    RecordId id = Requests.newId();
    whileHeld(
        id,
        () ->
            assertThat(
                    within(
                        Duration.ofSeconds(10), () -> leasedStore().claim(Requests.takeOverOf(id))))
                .isInstanceOf(Claim.Running.class));
  }

  // ---- expiry

  @Test
  void expiredOutcomeIsAbsent() {
    RecordId id = Requests.newId();
    runInbox(store(), id);
    age(id, Requests.RETENTION.minus(Requests.LEASE));
    assertCompleted(runInbox(store(), id), StoredOutcome.done());

    age(id, Requests.LEASE.multipliedBy(3));
    assertThat(acquired(runInbox(store(), id)).attempt()).isEqualTo(1);
    assertThat(effects(id)).isEqualTo(2);
  }

  @Test
  void waiterForAnExpiredKeySeesTheNewOutcome() {
    for (boolean commit : new boolean[] {true, false}) {
      RecordId id = Requests.newId();
      runInbox(store(), id);
      age(id, Requests.RETENTION.multipliedBy(2));

      Claim claim = waiterWhile(id, false, commit);

      assertThat(claim instanceof Claim.Completed).isEqualTo(commit);
      assertThat(effects(id)).isEqualTo(2);
    }
  }

  @Test
  void expiredOutcomeIsTakenByOneOfManyAndKeptIfThatRollsBack() {
    RecordId id = Requests.newId();
    runInbox(store(), id);
    age(id, Requests.RETENTION.multipliedBy(2));
    store()
        .inTransaction(
            scope -> {
              acquired(inbox(scope, id, LONG));
              scope.setRollbackOnly();
              return true;
            });

    List<Claim> answers =
        Together.run(
            List.<Callable<Claim>>of(
                () -> runInbox(store(), id), () -> runInbox(otherStore(), id)));

    assertThat(answers).filteredOn(Claim.Acquired.class::isInstance).hasSize(1);
    assertThat(effects(id)).isEqualTo(2);
  }

  // ---- helpers

  /** One run of an operation without an answer: claim, and write where the key was free. */
  private Claim runInbox(TransactionalStore client, RecordId id) {
    return client.inTransaction(scope -> claimAndWrite(scope, id));
  }

  private Claim claimAndWrite(TransactionScope scope, RecordId id) {
    Claim claim = inbox(scope, id, LONG);
    if (claim instanceof Claim.Acquired) {
      write(scope, id);
    }
    return claim;
  }

  private Claim claimCompleted(ClaimRequest request) {
    return store()
        .inTransaction(scope -> scope.claimCompleted(request, StoredOutcome.done(), LONG));
  }

  private static Claim inbox(TransactionScope scope, RecordId id, Duration wait) {
    return scope.claimCompleted(Requests.claimOf(id), StoredOutcome.done(), wait);
  }

  /** What a run answers that meets an uncommitted rival, which then commits or rolls back. */
  private Claim waiterWhile(RecordId id, boolean joined, boolean commit) {
    CountDownLatch held = new CountDownLatch(1);
    return Together.runWhile(
        () -> {
          Together.await(held);
          if (!joined) {
            return runInbox(otherStore(), id);
          }
          List<Claim> claim = new ArrayList<>();
          inCallersTransaction(
              joining -> claim.add(joining.inTransaction(scope -> claimAndWrite(scope, id))));
          return claim.get(0);
        },
        () ->
            store()
                .inTransaction(
                    scope -> {
                      Lease lease = acquired(scope.claim(Requests.claimOf(id), LONG));
                      write(scope, id);
                      held.countDown();
                      Together.await("the waiter to wait", () -> waiting() > 0);
                      complete(scope, lease, StoredOutcome.nullResult());
                      if (!commit) {
                        scope.setRollbackOnly();
                      }
                      return true;
                    }));
  }

  /** Does something on another thread while a transaction holds a key, which then commits. */
  private void whileHeld(RecordId id, Runnable meanwhile) {
    store()
        .inTransaction(
            scope -> {
              acquired(inbox(scope, id, LONG));
              write(scope, id);
              Together.run(
                  List.<Callable<Boolean>>of(
                      () -> {
                        meanwhile.run();
                        return true;
                      }));
              return true;
            });
  }

  /** Claims two keys; answers whether it committed. */
  private boolean both(
      TransactionalStore client, RecordId first, RecordId second, CountDownLatch bothHoldOne) {
    try {
      return client.inTransaction(
          scope -> {
            acquired(inbox(scope, first, SECOND));
            write(scope, first);
            bothHoldOne.countDown();
            Together.await(bothHoldOne);
            if (!(inbox(scope, second, SECOND.multipliedBy(4)) instanceof Claim.Acquired)) {
              scope.setRollbackOnly();
              return false;
            }
            write(scope, second);
            return true;
          });
    } catch (StoreConflictException chosenAsVictim) {
      return false;
    }
  }

  private static boolean complete(TransactionScope scope, Lease lease, StoredOutcome outcome) {
    assertThat(scope.complete(lease, outcome, Requests.RETENTION)).isEqualTo(LeaseCheck.HELD);
    return true;
  }

  private static Claim timed(Duration atLeast, Callable<Claim> claim) {
    long start = System.nanoTime();
    Claim answer = within(atLeast.plusSeconds(10), claim);
    // Databases count in milliseconds and may round.
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(atLeast.multipliedBy(9).dividedBy(10));
    return answer;
  }

  private static Claim within(Duration atMost, Callable<Claim> claim) {
    long start = System.nanoTime();
    try {
      Claim answer = claim.call();
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(atMost);
      return answer;
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static Lease acquired(Claim claim) {
    assertThat(claim).isInstanceOf(Claim.Acquired.class);
    return ((Claim.Acquired) claim).lease();
  }

  private static void assertCompleted(Claim claim, StoredOutcome outcome) {
    assertThat(claim).isEqualTo(new Claim.Completed(Fingerprint.of("request"), outcome));
  }
}
