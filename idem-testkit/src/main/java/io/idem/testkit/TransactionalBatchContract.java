package io.idem.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Batch;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What a transactional store owes to a batch of keys in one transaction.
 *
 * <p>Runs on the fixture of {@link TransactionalStoreContract}.
 */
public abstract class TransactionalBatchContract extends TransactionalContract {

  private static final StoredOutcome DONE = StoredOutcome.done();

  /** For subclasses. */
  protected TransactionalBatchContract() {}

  @Test
  void commitPublishesAllAndRollbackFreesAll() {
    List<RecordId> ids = newIds(20);
    assertThatThrownBy(
            () ->
                store()
                    .inTransaction(
                        scope -> {
                          assertThat(runInbox(scope, ids, LONG)).isEqualTo(20);
                          throw new IllegalStateException("declined");
                        }))
        .hasMessage("declined");
    assertThat(effectsOf(ids)).isZero();

    assertThat(runInbox(store(), ids)).isEqualTo(20);
    assertThat(runInbox(otherStore(), ids)).isZero();
    assertThat(effectsOf(ids)).isEqualTo(20);
  }

  @Test
  void answersComeInTheCallersOrder() {
    List<RecordId> ids = newIds(30);
    List<RecordId> seen = ids.subList(7, 19);
    runInbox(store(), seen);
    RecordId expired = seen.get(3);
    age(expired, Requests.RETENTION.multipliedBy(2));

    List<Claim> claims = otherStore().inTransaction(scope -> claim(scope, ids, LONG));

    for (int i = 0; i < ids.size(); i++) {
      boolean repeat = seen.contains(ids.get(i)) && !ids.get(i).equals(expired);
      assertThat(claims.get(i) instanceof Claim.Completed).as("%d", i).isEqualTo(repeat);
      if (claims.get(i) instanceof Claim.Acquired acquired) {
        assertThat(acquired.lease().id()).isEqualTo(ids.get(i));
        assertThat(acquired.lease().attempt()).isEqualTo(1);
      }
    }
  }

  @Test
  void keyThatAppearsTwiceIsDoneTheSecondTime() {
    RecordId id = Requests.newId();
    ClaimRequest misuse = Requests.with(Requests.claimOf(id), Fingerprint.of("another"));
    List<Claim> claims =
        store()
            .inTransaction(
                scope ->
                    scope.claimAllCompleted(
                        List.of(Requests.claimOf(id), misuse, Requests.claimOf(id)), DONE, LONG));

    assertThat(claims.get(0)).isInstanceOf(Claim.Acquired.class);
    Claim first = new Claim.Completed(Fingerprint.of("request"), DONE);
    assertThat(claims.subList(1, 3)).containsOnly(first);
    Claim later = store().inTransaction(scope -> scope.claimCompleted(misuse, DONE, LONG));
    assertThat(later).isEqualTo(first);
  }

  @Test
  void keyThatAppearsTwiceIsRunningWithoutAnOutcome() {
    RecordId id = Requests.newId();
    List<ClaimRequest> twice = List.of(Requests.claimOf(id), Requests.claimOf(id));

    List<Claim> claims = store().inTransaction(scope -> scope.claimAll(twice, LONG));

    assertThat(claims.get(0)).isInstanceOf(Claim.Acquired.class);
    assertThat(claims.get(1))
        .isEqualTo(new Claim.Running(Fingerprint.of("request"), Duration.ZERO));
  }

  @Test
  void eachKeyHasItsOwnAnswer() {
    List<RecordId> ids = newIds(5);
    List<StoredOutcome> outcomes =
        List.of(
            StoredOutcome.nullResult(),
            StoredOutcome.result(new byte[] {1}),
            StoredOutcome.result(new byte[200_000]),
            DONE,
            StoredOutcome.failure("declined", new byte[] {7}));
    List<LeaseCheck> checks =
        store()
            .inTransaction(
                scope -> {
                  List<Claim> claims = scope.claimAll(requests(ids), LONG);
                  List<Completion> completions = new ArrayList<>();
                  for (int i = 0; i < 5; i++) {
                    Lease lease = ((Claim.Acquired) claims.get(i)).lease();
                    completions.add(new Completion(lease, outcomes.get(i), Requests.RETENTION));
                  }
                  Lease stranger = new Lease(ids.get(0), Requests.newToken(), 1);
                  assertThat(
                          scope.completeAll(
                              List.of(new Completion(stranger, DONE, Requests.RETENTION))))
                      .containsExactly(LeaseCheck.LOST);
                  return scope.completeAll(completions);
                });

    assertThat(checks).hasSize(5).containsOnly(LeaseCheck.HELD);
    List<Claim> replays = otherStore().inTransaction(scope -> claim(scope, ids, LONG));
    assertThat(replays)
        .extracting(claim -> ((Claim.Completed) claim).outcome())
        .isEqualTo(outcomes);
  }

  @Test
  void nothingAndTheMostAreBatchesAndMoreIsRefused() {
    List<RecordId> most = newIds(Batch.MOST);
    store()
        .inTransaction(
            scope -> {
              assertThat(scope.claimAll(List.of(), LONG)).isEmpty();
              assertThat(scope.completeAll(List.of())).isEmpty();
              assertThat(claim(scope, most, LONG)).hasOnlyElementsOfType(Claim.Acquired.class);
              assertThatIllegalArgumentException()
                  .isThrownBy(() -> claim(scope, newIds(Batch.MOST + 1), LONG));
              return true;
            });
    assertThat(runInbox(otherStore(), most)).isZero();
  }

  @Test
  void onlyTheContendedKeysAreBusy() {
    for (boolean joined : new boolean[] {true, false}) {
      List<RecordId> ids = newIds(64);
      List<RecordId> busy = List.of(ids.get(3), ids.get(4), ids.get(40), ids.get(63));
      RecordId before = Requests.newId();
      whileHeld(
          busy,
          () -> {
            if (joined) {
              inCallersTransaction(
                  joining -> {
                    joining.inTransaction(scope -> onlyBusyAreBusy(scope, ids, busy, before));
                    return true;
                  });
            } else {
              otherStore().inTransaction(scope -> onlyBusyAreBusy(scope, ids, busy, before));
            }
          });

      assertThat(effectsOf(ids)).isEqualTo(64);
      assertThat(effects(before)).isEqualTo(1);
      assertThat(runInbox(store(), ids)).isZero();
    }
  }

  private boolean onlyBusyAreBusy(
      TransactionScope scope, List<RecordId> ids, List<RecordId> busy, RecordId before) {
    write(scope, before);
    long start = System.nanoTime();
    List<Claim> claims = claim(scope, ids, SECOND);
    // The bound is the batch's: four rivals do not make it four times as long.
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isBetween(
            SECOND.multipliedBy(9).dividedBy(10),
            SECOND.multipliedBy(3).plus(waitUnit().multipliedBy(busy.size() + 1)));
    for (int i = 0; i < ids.size(); i++) {
      assertThat(claims.get(i) instanceof Claim.Running)
          .as("%d", i)
          .isEqualTo(busy.contains(ids.get(i)));
      if (claims.get(i) instanceof Claim.Acquired) {
        write(scope, ids.get(i));
      }
    }
    return true;
  }

  @Test
  void vainWaitLosesNothingThatTheBatchItselfClaimed() {
    List<RecordId> ids = newIds(16).stream().sorted().toList();
    RecordId busy = ids.get(15);
    whileHeld(
        List.of(busy),
        () ->
            otherStore()
                .inTransaction(
                    scope -> {
                      // The first thing in its transaction: there is nothing to lose yet.
                      List<Claim> claims = claim(scope, ids, SHORT);
                      assertThat(claims.get(15)).isInstanceOf(Claim.Running.class);
                      for (RecordId id : ids.subList(0, 15)) {
                        write(scope, id);
                      }
                      return true;
                    }));

    assertThat(runInbox(store(), ids)).isZero();
    assertThat(effectsOf(ids)).isEqualTo(16);
  }

  @Test
  void waitEndsWithTheRivalsTransaction() {
    for (boolean commit : new boolean[] {true, false}) {
      List<RecordId> ids = newIds(10);
      List<RecordId> held = ids.subList(2, 5);
      CountDownLatch holding = new CountDownLatch(1);
      int fresh =
          Together.runWhile(
              () -> {
                Together.await(holding);
                return runInbox(otherStore(), ids);
              },
              () ->
                  store()
                      .inTransaction(
                          scope -> {
                            runInbox(scope, held, LONG);
                            holding.countDown();
                            Together.await("the batch to wait", () -> waiting() > 0);
                            if (!commit) {
                              scope.setRollbackOnly();
                            }
                            return true;
                          }));

      assertThat(fresh).isEqualTo(commit ? 7 : 10);
      assertThat(effectsOf(ids)).isEqualTo(10);
    }
  }

  @Test
  void overlappingBatchesNeverDeadlock() {
    for (int round = 0; round < 15; round++) {
      List<RecordId> ids = newIds(30);
      List<RecordId> backwards = new ArrayList<>(ids);
      Collections.reverse(backwards);
      List<Callable<Integer>> rivals =
          List.of(
              () -> runInbox(store(), ids),
              () -> runInbox(otherStore(), backwards),
              () -> runInbox(store(), ids.subList(5, 25)),
              () -> runInbox(otherStore(), backwards.subList(5, 25)));

      // None is chosen as a victim: that would be an exception.
      assertThat(Together.run(rivals).stream().mapToInt(Integer::intValue).sum()).isEqualTo(30);
      assertThat(effectsOf(ids)).isEqualTo(30);
    }
  }

  @Test
  void everyKindOfKeyIsToldApartInOneBatch() {
    for (boolean joined : new boolean[] {true, false}) {
      List<RecordId> ids = newIds(40);
      List<RecordId> done = ids.subList(0, 20);
      List<RecordId> expired = ids.subList(15, 20);
      List<RecordId> busy = ids.subList(20, 23);
      runInbox(store(), done);
      expired.forEach(id -> age(id, Requests.RETENTION.multipliedBy(2)));
      List<RecordId> shuffled = new ArrayList<>(ids);
      Collections.shuffle(shuffled, new Random(1));
      whileHeld(
          busy,
          () -> {
            if (joined) {
              inCallersTransaction(
                  joining ->
                      joining.inTransaction(scope -> toldApart(scope, shuffled, done, busy)));
            } else {
              otherStore().inTransaction(scope -> toldApart(scope, shuffled, done, busy));
            }
          });

      assertThat(runInbox(store(), ids)).isZero();
      for (RecordId id : ids) {
        assertThat(effects(id)).isEqualTo(expired.contains(id) ? 2 : 1);
      }
    }
  }

  private boolean toldApart(
      TransactionScope scope, List<RecordId> ids, List<RecordId> done, List<RecordId> busy) {
    List<Claim> claims = claim(scope, ids, SHORT);
    int fresh = 0;
    for (int i = 0; i < ids.size(); i++) {
      RecordId id = ids.get(i);
      Claim claim = claims.get(i);
      assertThat(claim instanceof Claim.Running).as("%d", i).isEqualTo(busy.contains(id));
      if (claim instanceof Claim.Acquired) {
        write(scope, id);
        fresh++;
      } else if (claim instanceof Claim.Completed completed) {
        assertThat(done).contains(id);
        assertThat(completed.outcome()).isEqualTo(DONE);
      }
    }
    assertThat(fresh).isEqualTo(17 + 5);
    return true;
  }

  @Test
  void batchesThatRollBackLeaveEachKeyToOneOther() {
    Seed seed = Seed.of(1).get(0);
    Random random = seed.random();
    List<RecordId> ids = newIds(60);
    List<Callable<Boolean>> rivals = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      TransactionalStore client = i % 2 == 0 ? store() : otherStore();
      List<List<RecordId>> batches = new ArrayList<>();
      for (int batch = 0; batch < 4; batch++) {
        List<RecordId> some = new ArrayList<>(ids);
        Collections.shuffle(some, random);
        batches.add(some.subList(0, 40));
      }
      int rollsBack = random.nextInt(4);
      rivals.add(
          () -> {
            for (int batch = 0; batch < batches.size(); batch++) {
              List<RecordId> some = batches.get(batch);
              boolean commit = batch != rollsBack;
              untilItIsNoVictim(
                  () ->
                      client.inTransaction(
                          scope -> {
                            runInbox(scope, some, LONG);
                            if (!commit) {
                              scope.setRollbackOnly();
                            }
                            return true;
                          }));
            }
            return true;
          });
    }
    Together.run(rivals);

    runInbox(store(), ids);
    for (RecordId id : ids) {
      assertThat(effects(id)).as("%s", seed).isEqualTo(1);
    }
  }

  /** A rollback may make victims of those who wait for it. They are told, and may run again. */
  private static void untilItIsNoVictim(Callable<Boolean> run) throws Exception {
    for (int attempt = 0; ; attempt++) {
      try {
        run.call();
        return;
      } catch (StoreConflictException e) {
        if (attempt == 20) {
          throw e;
        }
      }
    }
  }

  @Test
  void batchAfterABatchKnowsItsOwnKeys() {
    List<RecordId> ids = newIds(12);
    store()
        .inTransaction(
            scope -> {
              assertThat(runInbox(scope, ids.subList(0, 8), LONG)).isEqualTo(8);
              assertThat(runInbox(scope, ids.subList(4, 12), LONG)).isEqualTo(4);
              return true;
            });
    assertThat(effectsOf(ids)).isEqualTo(12);
  }

  // ---- helpers

  private int runInbox(TransactionalStore client, List<RecordId> ids) {
    return client.inTransaction(scope -> runInbox(scope, ids, LONG));
  }

  /** Writes an effect for each fresh key; answers how many there were. */
  private int runInbox(TransactionScope scope, List<RecordId> ids, Duration wait) {
    List<Claim> claims = claim(scope, ids, wait);
    int fresh = 0;
    for (int i = 0; i < ids.size(); i++) {
      if (claims.get(i) instanceof Claim.Acquired) {
        write(scope, ids.get(i));
        fresh++;
      } else {
        assertThat(claims.get(i)).isInstanceOf(Claim.Completed.class);
      }
    }
    return fresh;
  }

  private static List<Claim> claim(TransactionScope scope, List<RecordId> ids, Duration wait) {
    return scope.claimAllCompleted(requests(ids), DONE, wait);
  }

  private static List<ClaimRequest> requests(List<RecordId> ids) {
    return ids.stream().map(Requests::claimOf).toList();
  }

  /** Does something on another thread while transactions, one for each key, hold them. */
  private void whileHeld(List<RecordId> ids, Runnable meanwhile) {
    if (ids.isEmpty()) {
      Together.run(
          List.<Callable<Boolean>>of(
              () -> {
                meanwhile.run();
                return true;
              }));
      return;
    }
    // Each on a thread of its own: a thread may have no more than one transaction.
    Together.run(
        List.<Callable<Boolean>>of(
            () ->
                store()
                    .inTransaction(
                        scope -> {
                          runInbox(scope, ids.subList(0, 1), LONG);
                          whileHeld(ids.subList(1, ids.size()), meanwhile);
                          return true;
                        })));
  }

  private int effectsOf(List<RecordId> ids) {
    return IntStream.range(0, ids.size()).map(i -> effects(ids.get(i))).sum();
  }

  private static List<RecordId> newIds(int count) {
    return Stream.generate(Requests::newId).limit(count).toList();
  }
}
