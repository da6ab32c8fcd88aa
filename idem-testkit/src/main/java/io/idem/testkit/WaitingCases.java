package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
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
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** What becomes of transactions that meet at one key. */
abstract class WaitingCases extends CommitCases {

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

  @Test
  void settingsOfTheSessionAreWhatTheyWere() {
    for (boolean joined : new boolean[] {true, false}) {
      RecordId busy = Requests.newId();
      RecordId stale = Requests.newId();
      runInbox(store(), stale);
      age(stale, Requests.RETENTION.multipliedBy(2));
      whileHeld(
          busy,
          () -> {
            if (joined) {
              inCallersTransaction(
                  joining ->
                      joining.inTransaction(scope -> leavesSettingsAlone(scope, busy, stale)));
            } else {
              otherStore().inTransaction(scope -> leavesSettingsAlone(scope, busy, stale));
            }
          });
    }
  }

  private boolean leavesSettingsAlone(TransactionScope scope, RecordId busy, RecordId stale) {
    fixture().set(scope);
    String before = fixture().settings(scope);
    RecordId free = Requests.newId();
    List<RecordId> batch = List.of(Requests.newId(), Requests.newId(), free);
    List<Supplier<Object>> claims =
        List.of(
            () -> acquired(inbox(scope, free, SHORT)),
            () -> inbox(scope, free, SHORT),
            () -> acquired(inbox(scope, stale, SHORT)),
            () -> acquired(scope.claim(Requests.claimOf(Requests.newId()), Duration.ZERO)),
            () -> inbox(scope, busy, Duration.ZERO),
            () -> inbox(scope, busy, SHORT),
            () -> scope.claimAll(batch.stream().map(Requests::claimOf).toList(), SHORT),
            () ->
                scope.claimAllCompleted(
                    List.of(Requests.claimOf(busy), Requests.claimOf(Requests.newId())),
                    StoredOutcome.done(),
                    SHORT));
    for (Supplier<Object> claim : claims) {
      Object answer = claim.get();
      assertThat(fixture().settings(scope)).as("after %s", answer).isEqualTo(before);
    }
    return true;
  }

  /** A conflict that the work hides: what it wrote before is gone, so the rest must go as well. */
  @Test
  void hiddenConflictCommitsNothing() {
    RecordId first = Requests.newId();
    RecordId second = Requests.newId();
    CountDownLatch bothHoldOne = new CountDownLatch(2);

    List<Boolean> told =
        Together.run(
            List.<Callable<Boolean>>of(
                () -> hidesConflict(store(), first, second, bothHoldOne),
                () -> hidesConflict(otherStore(), second, first, bothHoldOne)));

    // Who was not told has claimed one key and found the other one taken, or claimed both.
    int committed = effects(first) + effects(second);
    assertThat(committed).isLessThanOrEqualTo(2);
    for (RecordId id : List.of(first, second)) {
      boolean done = runInbox(store(), id) instanceof Claim.Completed;
      assertThat(effects(id)).as("told %s, record of the effect: %s", told, done).isEqualTo(1);
    }
  }

  /** Goes on as if nothing had happened; answers whether there was a conflict to hide. */
  private boolean hidesConflict(
      TransactionalStore client, RecordId first, RecordId second, CountDownLatch bothHoldOne) {
    boolean[] conflict = new boolean[1];
    try {
      client.inTransaction(
          scope -> {
            acquired(inbox(scope, first, SECOND));
            write(scope, first);
            bothHoldOne.countDown();
            Together.await(bothHoldOne);
            try {
              if (inbox(scope, second, SECOND.multipliedBy(4)) instanceof Claim.Acquired) {
                write(scope, second);
              }
            } catch (StoreConflictException hidden) {
              conflict[0] = true;
            }
            return true;
          });
    } catch (RuntimeException toldThatItRolledBack) {
      assertThat(conflict[0]).as("%s", toldThatItRolledBack).isTrue();
    }
    return conflict[0];
  }

  /** What a run answers that meets an uncommitted rival, which then commits or rolls back. */
  final Claim waiterWhile(RecordId id, boolean joined, boolean commit) {
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

  static Claim timed(Duration atLeast, Callable<Claim> claim) {
    long start = System.nanoTime();
    Claim answer = within(atLeast.plusSeconds(10), claim);
    // Databases count in milliseconds and may round.
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(atLeast.multipliedBy(9).dividedBy(10));
    return answer;
  }
}
