package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.Concurrency.Started;
import io.idem.core.FakeTransactionalStore.Transaction;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The record and the effect in one transaction. */
class TransactionalModeTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final FakeTransactionalStore store = new FakeTransactionalStore();
  private final List<DecisionEvent> events = new CopyOnWriteArrayList<>();
  private final Concurrency threads = new Concurrency();
  private final Idempotency idempotency =
      Idempotency.builder().transactionalStore(store).listener(events::add).build();

  @AfterEach
  void stop() {
    threads.close();
    idempotency.close();
  }

  private Operation.Builder<String> operation() {
    return idempotency.operation("charge", String.class);
  }

  private List<Decision> decisions() {
    return events.stream().map(DecisionEvent::decision).toList();
  }

  private static Execution<String> run(Operation<String> operation, String effect) {
    return operation.execute(
        KEY,
        attempt -> {
          attempt.unwrap(Transaction.class).write(effect);
          return effect;
        });
  }

  private static FailureMapping<IOException> declined() {
    return FailureMapping.ofMessage("declined", IOException.class, IOException::new);
  }

  private static String fail(Operation<String> operation, Exception failure) {
    try {
      return operation
          .<Exception>execute(
              KEY,
              attempt -> {
                attempt.unwrap(Transaction.class).write("lost");
                throw failure;
              })
          .toString();
    } catch (Exception e) {
      return e.getMessage();
    }
  }

  @Test
  void commitPublishesTheEffectAndTheRecordTogether() {
    Operation<String> charge = operation().build();
    assertThat(charge.mode()).isEqualTo(Mode.TRANSACTIONAL);
    assertThat(run(charge, "a")).isEqualTo(new Execution.Ran<>("a", Recording.STORED));
    assertThat(run(charge, "b")).isEqualTo(new Execution.Replayed<>("a"));
    assertThat(charge.execute(KEY.comparing("99 EUR"), attempt -> "c"))
        .isEqualTo(new Execution.KeyReused<>());
    assertThat(store.effects()).containsExactly("a");
    assertThat(decisions()).containsExactly(Decision.RAN, Decision.REPLAYED, Decision.KEY_REUSED);
  }

  @Test
  void anOperationWithoutAResultIsRecordedWithItsClaim() {
    Operation<Void> send = idempotency.operation("send").build();
    store.loseAtCompletion = true; // there is no second write
    for (int i = 0; i < 2; i++) {
      send.<RuntimeException>execute(
          KEY,
          attempt -> {
            attempt.unwrap(Transaction.class).write("sent");
            return null;
          });
    }
    assertThat(store.effects()).containsExactly("sent");
  }

  @Test
  void aFailureRollsBackAndFreesTheKey() {
    Operation<String> charge = operation().build();
    assertThat(fail(charge, new IOException("timeout"))).isEqualTo("timeout");
    assertThat(store.records()).isZero();
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
    assertThat(store.effects()).containsExactly("b");
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.RAN);
  }

  @Test
  void aCommitThatFailsIsToldAndNothingIsRunAgain() {
    Operation<String> charge = operation().build();
    store.commitFailure = FakeTransactionalStore.conflict();
    assertThatExceptionOfType(StoreConflictException.class).isThrownBy(() -> run(charge, "a"));
    assertThat(store.begun).hasValue(1);
    assertThat(decisions()).containsExactly(Decision.STORE_FAILURE);
    store.commitFailure = null;
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
    assertThat(store.effects()).containsExactly("b");
  }

  @Test
  void aRefusedCommitIsTheBodysFailureToldLate() {
    Operation<String> charge = operation().build();
    store.commitFailure = new CommitRefusedException("does not balance", null);
    for (int i = 0; i < 2; i++) {
      assertThatExceptionOfType(CommitRefusedException.class)
          .isThrownBy(() -> run(charge, "a"))
          .isSameAs(store.commitFailure);
    }
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.FAILED);
    store.commitFailure = null;
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
    assertThat(store.effects()).containsExactly("b");
  }

  @Test
  void aRefusedCommitIsRecordedWhereTheOperationRecordsIt() {
    Operation<String> charge = operation().recordFailure(refused()).build();
    store.commitFailure = new CommitRefusedException("does not balance", null);
    store.afterRollback = () -> store.commitFailure = null; // of the body's transaction only
    for (int i = 0; i < 2; i++) {
      assertThatExceptionOfType(CommitRefusedException.class)
          .isThrownBy(() -> run(charge, "a"))
          .withMessage("does not balance");
    }
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.REPLAYED);
    assertThat(store.effects()).isEmpty();
  }

  @Test
  void whoTakesTheKeyAfterARefusedCommitHasTheAnswer() {
    Operation<String> charge = operation().recordFailure(refused()).build();
    store.commitFailure = new CommitRefusedException("does not balance", null);
    runOnceAfterARollback(
        () -> {
          store.commitFailure = null;
          try (Idempotency other = Idempotency.builder().transactionalStore(store).build()) {
            run(other.operation("charge", String.class).build(), "theirs");
          }
        });
    assertThat(run(charge, "mine")).isEqualTo(new Execution.Replayed<>("theirs"));
    assertThat(store.effects()).containsExactly("theirs");
  }

  @Test
  void aCommitWhoseOutcomeIsUnknownIsNeverRecorded() {
    Operation<String> charge =
        operation()
            .recordFailure(
                FailureMapping.ofMessage("any", RuntimeException.class, RuntimeException::new))
            .build();
    store.commitFailure = new StoreUnavailableException("no answer", null);
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge, "a"));
    assertThat(store.records()).isZero();
    assertThat(decisions()).containsExactly(Decision.STORE_FAILURE);
  }

  private static FailureMapping<CommitRefusedException> refused() {
    return FailureMapping.ofMessage(
        "refused", CommitRefusedException.class, text -> new CommitRefusedException(text, null));
  }

  @Test
  void aConflictBeforeTheBodyIsRetriedAndNoLater() {
    Operation<String> charge = operation().build();
    for (int i = 0; i < 4; i++) {
      store.claimFailures.add(FakeTransactionalStore.conflict());
    }
    assertThat(run(charge, "a")).isEqualTo(new Execution.Ran<>("a", Recording.STORED));
    assertThat(store.begun).hasValue(5);
    for (int i = 0; i < 5; i++) {
      store.claimFailures.add(FakeTransactionalStore.conflict());
    }
    assertThatExceptionOfType(StoreConflictException.class).isThrownBy(() -> run(charge, "b"));
    assertThat(decisions()).containsExactly(Decision.RAN, Decision.STORE_FAILURE);
  }

  @Test
  void aConflictInsideTheCallersTransactionIsTheCallersToRetry() {
    Operation<String> charge = operation().build();
    store.claimFailures.add(FakeTransactionalStore.conflict());
    assertThatExceptionOfType(StoreConflictException.class)
        .isThrownBy(() -> store.callersTransaction(scope -> run(charge, "a")));
    assertThat(store.claimFailures).isEmpty();
    assertThat(store.effects()).isEmpty();
  }

  @Test
  void aStoreThatIsDownIsReported() {
    store.claimFailures.add(new StoreUnavailableException("down", null));
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> run(operation().build(), "a"));
    assertThat(decisions()).containsExactly(Decision.STORE_FAILURE);
  }

  @Test
  void aRecordedRejectionOutlivesTheRollback() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    assertThat(fail(charge, new IOException("no cover"))).isEqualTo("no cover");
    assertThat(store.effects()).isEmpty();
    assertThat(fail(charge, new IOException("another"))).isEqualTo("no cover");
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.REPLAYED);
  }

  @Test
  void whoTakesTheKeyBetweenARollbackAndItsRejectionHasTheAnswer() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    try (Idempotency elsewhere = Idempotency.builder().transactionalStore(store).build()) {
      Operation<String> there = elsewhere.operation("charge", String.class).build();
      runOnceAfterARollback(() -> run(there, "theirs"));
      assertThat(fail(charge, new IOException("no cover")))
          .isEqualTo(new Execution.Replayed<>("theirs").toString());
      assertThat(store.effects()).containsExactly("theirs");
    }
  }

  private void runOnceAfterARollback(Runnable task) {
    AtomicBoolean done = new AtomicBoolean();
    store.afterRollback =
        () -> {
          if (done.compareAndSet(false, true)) {
            task.run();
          }
        };
  }

  @Test
  void aRejectionThatCannotBeRecordedIsStillToldAndItsKeyIsFree() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    runOnceAfterARollback(() -> store.claimFailures.add(ScriptedStore.down()));
    assertThat(fail(charge, new IOException("no cover"))).isEqualTo("no cover");
    assertThat(decisions()).containsExactly(Decision.STORE_FAILURE, Decision.FAILED);
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
  }

  @Test
  void aRejectionIsRecordedInSpiteOfAConflict() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    runOnceAfterARollback(() -> store.claimFailures.add(FakeTransactionalStore.conflict()));
    assertThat(fail(charge, new IOException("no cover"))).isEqualTo("no cover");
    assertThat(fail(charge, new IOException("another"))).isEqualTo("no cover");
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.REPLAYED);
  }

  @Test
  void aRejectionWhoseRecordingEndsInAnErrorIsStillTold() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    runOnceAfterARollback(() -> store.claimError = new InternalError("second transaction"));
    assertThat(fail(charge, new IOException("no cover"))).isEqualTo("no cover");
    assertThat(decisions()).containsExactly(Decision.STORE_FAILURE, Decision.FAILED);
    store.claimError = null;
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
  }

  @Test
  void aRejectionThatCannotBeEncodedIsNotReplacedByThat() {
    Operation<String> charge = operation().recordFailure(declined()).maxResultBytes(2).build();
    assertThat(fail(charge, new IOException("no cover"))).isEqualTo("no cover");
    assertThat(store.records()).isZero();
  }

  @Test
  void aRejectionAsAResultIsRecordedWithOrAfterItsTransaction() {
    Operation<String> charge = operation().onResult(result -> Disposition.RECORD_REJECTION).build();
    assertThat(runRollbackOnly(charge)).isEqualTo(new Execution.Ran<>("no", Recording.STORED));
    assertThat(store.effects()).isEmpty();
    assertThat(run(charge, "b")).isEqualTo(new Execution.Replayed<>("no"));
    Execution<String> committed = charge.execute(KEY.from("bob"), attempt -> "no");
    assertThat(committed).isEqualTo(new Execution.Ran<>("no", Recording.STORED));
    assertThat(store.records()).isEqualTo(2);
  }

  @Test
  void aRejectionAsAResultThatIsNotRecordedSaysThatTheKeyIsFree() {
    Operation<String> charge = operation().onResult(result -> Disposition.RECORD_REJECTION).build();
    runOnceAfterARollback(() -> store.claimFailures.add(ScriptedStore.down()));
    assertThat(runRollbackOnly(charge)).isEqualTo(new Execution.Ran<>("no", Recording.FREED));
    assertThat(store.records()).isZero();
  }

  @Test
  void aRejectionAsAResultYieldsToWhoTookTheKeyInBetween() {
    Operation<String> charge = operation().onResult(result -> Disposition.RECORD_REJECTION).build();
    try (Idempotency elsewhere = Idempotency.builder().transactionalStore(store).build()) {
      Operation<String> there = elsewhere.operation("charge", String.class).build();
      runOnceAfterARollback(() -> run(there, "theirs"));
      assertThat(runRollbackOnly(charge)).isEqualTo(new Execution.Replayed<>("theirs"));
    }
  }

  private static Execution<String> runRollbackOnly(Operation<String> operation) {
    return operation.execute(
        KEY,
        attempt -> {
          Transaction transaction = attempt.unwrap(Transaction.class);
          transaction.write("lost");
          transaction.setRollbackOnly();
          return "no";
        });
  }

  @Test
  void aSuccessWhoseEffectIsRolledBackIsAnError() {
    Operation<String> charge = operation().build();
    assertThatIllegalStateException()
        .isThrownBy(() -> runRollbackOnly(charge))
        .withMessageContaining("can only be rolled back");
    assertThat(run(charge, "b")).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
    assertThat(store.effects()).containsExactly("b");
    assertThat(decisions()).containsExactly(Decision.FAILED, Decision.RAN);
  }

  @Test
  void aResultThatTellsOfNothingRollsBack() {
    for (Disposition disposition : List.of(Disposition.RELEASE, Disposition.UNKNOWN)) {
      Operation<String> charge = operation().onResult(result -> disposition).build();
      assertThat(run(charge, "a")).isEqualTo(new Execution.Ran<>("a", Recording.FREED));
    }
    Operation<String> puzzled =
        operation()
            .onResult(
                result -> {
                  throw new IllegalStateException("no idea");
                })
            .build();
    assertThat(run(puzzled, "a")).isEqualTo(new Execution.Ran<>("a", Recording.FREED));
    assertThat(store.effects()).isEmpty();
    assertThat(store.records()).isZero();
  }

  @Test
  void aRecordThatVanishedInItsTransactionRollsEverythingBack() {
    store.loseAtCompletion = true;
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> run(operation().build(), "a"))
        .withMessageContaining("savepoint");
    assertThat(store.effects()).isEmpty();
    assertThat(store.records()).isZero();
  }

  @Test
  void aResultThatCannotBeEncodedRollsBack() {
    ResultCodec<String> codec =
        ResultCodec.of(
            value -> {
              throw new StackOverflowError();
            },
            bytes -> "");
    Operation<String> charge = idempotency.operation("charge", codec).build();
    assertThatExceptionOfType(ResultCodecException.class).isThrownBy(() -> run(charge, "a"));
    assertThat(store.effects()).isEmpty();
  }

  @Test
  void aJoinedTransactionIsItsOwnersToCommit() {
    Operation<String> charge = operation().build();
    store.callersTransaction(
        scope -> {
          assertThat(run(charge, "a")).isEqualTo(new Execution.Ran<>("a", Recording.STORED));
          assertThat(run(charge, "b"))
              .as("a repeat in the same transaction")
              .isEqualTo(new Execution.Replayed<>("a"));
          assertThat(store.effects()).isEmpty();
          return null;
        });
    assertThat(store.begun).hasValue(1);
    assertThat(store.effects()).containsExactly("a");
  }

  @Test
  void aRunKnowsWhetherItsTransactionIsTheCallers() {
    Operation<String> charge = operation().build();
    Body<String, RuntimeException> joined = attempt -> "" + attempt.isJoined();

    assertThat(charge.execute(IdempotentRequest.of("own"), joined).orElseThrow())
        .isEqualTo("false");
    store.callersTransaction(
        scope ->
            assertThat(charge.execute(IdempotentRequest.of("theirs"), joined).orElseThrow())
                .isEqualTo("true"));
  }

  @Test
  void onlyWhatIsCommittedIsCached() {
    MapAnswerCache cache = new MapAnswerCache();
    try (Idempotency caching =
        Idempotency.builder().transactionalStore(store).answerCache(cache).build()) {
      Operation<String> charge =
          caching.operation("charge", String.class).recordFailure(declined()).build();
      store.callersTransaction(
          scope -> {
            run(charge, "a");
            assertThat(cache.answers).as("answers of a transaction still open").isEmpty();
            return null;
          });
      assertThat(fail(caching.operation("fails", String.class).build(), new IOException("timeout")))
          .isEqualTo("timeout");
      assertThat(cache.answers).isEmpty();

      IdempotentRequest own = IdempotentRequest.of("own");
      charge.execute(own, attempt -> "b");
      Operation<String> declines =
          caching.operation("declines", String.class).recordFailure(declined()).build();
      assertThat(fail(declines, new IOException("no money"))).isEqualTo("no money");
      assertThat(cache.answers).hasSize(2);
      int begun = store.begun.get();
      assertThat(charge.execute(own, attempt -> "c")).isEqualTo(new Execution.Replayed<>("b"));
      assertThat(fail(declines, new IOException("never"))).isEqualTo("no money");
      assertThat(store.begun).as("replays begin no transaction").hasValue(begun);
    }
  }

  @Test
  void aJoinedTransactionsAnswerReachesNobodyBeforeItsCommit() {
    Operation<String> charge = operation().waitAtMost(Concurrency.BOUND).build();
    List<Started<Execution<String>>> followers = new ArrayList<>();
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                store.callersTransaction(
                    scope -> {
                      charge.execute(
                          KEY,
                          attempt -> {
                            attempt.unwrap(Transaction.class).write("a");
                            Started<Execution<String>> follower =
                                threads.start(() -> run(charge, "b"));
                            follower.awaitParked();
                            followers.add(follower);
                            return "a";
                          });
                      Concurrency.awaitUntil(
                          "the follower waits in the database", () -> store.waiting.get() == 1);
                      throw new IllegalStateException("rolled back");
                    }));
    assertThat(followers.get(0).answer()).isEqualTo(new Execution.Ran<>("b", Recording.STORED));
    assertThat(store.effects()).containsExactly("b");
  }

  @Test
  void aRejectionInsideTheCallersTransactionIsNotRecorded() {
    Operation<String> charge = operation().recordFailure(declined()).build();
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(
            () ->
                store.<String, IOException>callersTransaction(
                    scope -> {
                      charge.execute(
                          KEY,
                          attempt -> {
                            throw new IOException("no cover");
                          });
                      return "";
                    }));
    assertThat(store.begun).hasValue(1);
    assertThat(store.records()).isZero();
    Operation<String> byResult =
        operation().onResult(result -> Disposition.RECORD_REJECTION).build();
    store.callersTransaction(
        scope -> {
          assertThat(runRollbackOnly(byResult))
              .isEqualTo(new Execution.Ran<>("no", Recording.FREED));
          return null;
        });
    assertThat(store.begun).hasValue(2);
    assertThat(store.records()).isZero();
  }

  @Test
  void aStormWaitsInsideTheNodeAndTakesOneTransaction() {
    Operation<String> charge = operation().waitAtMost(Concurrency.BOUND).build();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Started<Execution<String>> first =
        threads.start(
            () ->
                charge.execute(
                    KEY,
                    attempt -> {
                      running.countDown();
                      await(end);
                      return "a";
                    }));
    await(running);
    List<Started<Execution<String>>> followers = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      followers.add(threads.start(() -> run(charge, "b")));
    }
    followers.forEach(Started::awaitParked);
    assertThat(store.begun).hasValue(1);
    end.countDown();
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("a", Recording.STORED));
    assertThat(followers).extracting(Started::answer).containsOnly(new Execution.Replayed<>("a"));
    assertThat(store.begun).hasValue(1);
  }

  @Test
  void aRivalOnAnotherNodeIsWaitedForWithinTheBound() {
    try (Idempotency elsewhere = Idempotency.builder().transactionalStore(store).build()) {
      Operation<String> there = elsewhere.operation("charge", String.class).build();
      CountDownLatch running = new CountDownLatch(1);
      CountDownLatch end = new CountDownLatch(1);
      Started<Execution<String>> rival =
          threads.start(
              () ->
                  there.execute(
                      KEY,
                      attempt -> {
                        running.countDown();
                        await(end);
                        return "theirs";
                      }));
      await(running);
      assertThat(run(operation().waitAtMost(Duration.ofMillis(20)).build(), "a"))
          .isInstanceOf(Execution.Busy.class);
      Operation<String> patient = operation().waitAtMost(Concurrency.BOUND).build();
      Started<Execution<String>> waiter = threads.start(() -> run(patient, "b"));
      Concurrency.awaitUntil("it waits in the database", () -> store.waiting.get() == 1);
      end.countDown();
      assertThat(rival.answer()).isEqualTo(new Execution.Ran<>("theirs", Recording.STORED));
      assertThat(waiter.answer()).isEqualTo(new Execution.Replayed<>("theirs"));
    }
  }

  @Test
  void settingsThatCannotHoldAreRefusedWithTheWayOut() {
    assertThatIllegalStateException()
        .isThrownBy(() -> operation().mode(Mode.LEASED).build())
        .withMessageContaining("no store for leases");
    assertThatIllegalStateException()
        .isThrownBy(() -> operation().onStoreDown(StoreDownPolicy.FAIL_OPEN).build())
        .withMessageContaining("cannot fail open");
  }

  @Test
  void anAttemptHandsOutWhatItsTransactionHas() {
    operation()
        .build()
        .execute(
            KEY,
            attempt -> {
              assertThat(attempt.number()).isEqualTo(1);
              assertThat(attempt.isOwner()).isTrue();
              assertThatIllegalArgumentException().isThrownBy(() -> attempt.unwrap(String.class));
              return "";
            });
  }

  @Test
  void everyStoreThatNeedsItIsPurged() {
    FakeTransactionalStore own = new FakeTransactionalStore();
    ScriptedStore leased = new ScriptedStore(new InMemoryStore());
    try (Idempotency both =
        Idempotency.builder()
            .store(leased)
            .transactionalStore(store)
            .purgeEvery(Duration.ofMillis(5))
            .build()) {
      both.operation("own").transactional(own).build();
      Concurrency.awaitUntil(
          "all three are purged",
          () ->
              store.purges.get() > 1
                  && own.purges.get() > 1
                  && leased.calls(ScriptedStore.Verb.PURGE) > 1);
    }
  }
}
