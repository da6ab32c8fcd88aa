package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Fault;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What remains true when the store fails, at each of its verbs, and when the engine closes. */
class StoreFailureTest extends RunnerTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private static final Fault BROKEN =
      new Fault() {
        @Override
        public <R> R apply(Supplier<R> real) {
          throw new LinkageError("a driver of another version");
        }
      };

  private final Node node = Node.start(runner());
  private final Concurrency threads = new Concurrency();
  private final AtomicInteger runs = new AtomicInteger();

  @AfterEach
  void stop() {
    node.store.heal(Verb.values());
    threads.close();
    node.close();
  }

  private Execution<String> run(Operation<String> operation) {
    return on(operation).execute(KEY, attempt -> "run-" + runs.incrementAndGet());
  }

  private void awaitCalls(Verb verb, int calls) {
    Concurrency.awaitUntil(verb + " is called", () -> node.store.calls(verb) >= calls);
  }

  @Test
  void aStoreThatCannotTakeAClaimClosesTheOperation() {
    Operation<String> charge = node.operation().build();
    node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge));
    assertThat(runs).hasValue(0);
    assertThat(node.decisions()).containsExactly(Decision.STORE_FAILURE);
    node.store.heal(Verb.CLAIM);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
  }

  @Test
  void whateverAStoreThrowsComesOutAsUnavailable() {
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.after(
            () -> {
              throw new UnsupportedOperationException("driver");
            }));
    assertThatExceptionOfType(StoreUnavailableException.class)
        .isThrownBy(() -> run(node.operation().build()))
        .withMessageContaining("'charge'")
        .withCauseInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void aClaimWhoseAnswerIsLostIsGivenBackInTheBackground() {
    Operation<String> charge = node.operation().build();
    node.store.on(Verb.CLAIM, ScriptedStore.ANSWER_LOST);
    node.store.on(Verb.RELEASE, ScriptedStore.DOWN);
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge));
    assertThat(node.memory.size()).isEqualTo(1);
    awaitCalls(Verb.RELEASE, 2);
    node.store.heal(Verb.CLAIM, Verb.RELEASE);
    Concurrency.awaitUntil("the key is free", () -> node.memory.size() == 0);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
  }

  @Test
  void aClaimThatEndsInAnErrorIsGivenBackToo() {
    Operation<String> charge = node.operation().build();
    node.store.on(
        Verb.CLAIM,
        ScriptedStore.before(
            () -> {
              throw new OutOfMemoryError("on the way back");
            }));
    assertThatExceptionOfType(OutOfMemoryError.class).isThrownBy(() -> run(charge));
    node.store.heal(Verb.CLAIM);
    Concurrency.awaitUntil("the key is free", () -> node.memory.size() == 0);
    assertThat(node.decisions()).containsExactly(Decision.STORE_FAILURE);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.STORED));
  }

  @Test
  void anOperationThatFailsOpenRunsUnprotectedAndIsCounted() {
    Operation<String> charge = node.operation().onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.UNPROTECTED));
    assertThat(node.decisions()).containsExactly(Decision.STORE_FAILURE, Decision.RAN_UNPROTECTED);
    node.store.heal(Verb.CLAIM);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-2", Recording.STORED));
  }

  @Test
  void anUnprotectedRunThatFailsIsCountedToo() {
    Operation<String> charge = node.operation().onStoreDown(StoreDownPolicy.FAIL_OPEN).build();
    node.store.on(Verb.CLAIM, ScriptedStore.DOWN);
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          assertThat(attempt.leavesUnknown(new IllegalStateException()))
                              .as("there is no key to abandon")
                              .isFalse();
                          throw new IllegalStateException();
                        }));
    assertThat(node.decisions()).containsExactly(Decision.STORE_FAILURE, Decision.RAN_UNPROTECTED);
  }

  @Test
  void aCompletionThatFailsIsOwedToItsCallerAndRetriedInTheBackground() {
    assertCompletionIsRetried(ScriptedStore.DOWN);
  }

  @Test
  void aCompletionThatEndsInAnErrorIsRetriedToo() {
    assertCompletionIsRetried(BROKEN);
  }

  @Test
  void aCompletionWhoseAnswerIsLostIsRetriedToo() {
    Operation<String> charge = node.operation().build();
    node.store.on(Verb.COMPLETE, ScriptedStore.ANSWER_LOST);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.PENDING));
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("run-1"));
    node.store.heal(Verb.COMPLETE);
    awaitCalls(Verb.COMPLETE, 2);
    assertThat(node.decisions()).doesNotContain(Decision.LEASE_LOST, Decision.ABANDONED);
  }

  private void assertCompletionIsRetried(Fault fault) {
    Operation<String> charge = node.operation().waitAtMost(Duration.ZERO).build();
    node.store.on(Verb.COMPLETE, fault);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.PENDING));
    assertThat(run(charge)).as("held, not free").isInstanceOf(Execution.Busy.class);
    assertThat(node.decisions()).startsWith(Decision.STORE_FAILURE, Decision.RAN);
    awaitCalls(Verb.COMPLETE, 3);
    assertThat(run(charge)).isInstanceOf(Execution.Busy.class);
    node.store.heal(Verb.COMPLETE);
    Concurrency.awaitUntil("it is stored", () -> run(charge) instanceof Execution.Replayed);
    assertThat(run(charge)).isEqualTo(new Execution.Replayed<>("run-1"));
    assertThat(runs).hasValue(1);
  }

  @Test
  void theHeartbeatKeepsAKeyWhoseCompletionIsPending() {
    Duration lease = Duration.ofMillis(100);
    Operation<String> charge = node.operation().lease(lease).waitAtMost(Duration.ZERO).build();
    node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    run(charge);
    for (int i = 0; i < 5; i++) {
      awaitCalls(Verb.RENEW, node.store.calls(Verb.RENEW) + 1);
      node.passes(lease.multipliedBy(9).dividedBy(10));
      assertThat(run(charge)).isInstanceOf(Execution.Busy.class);
    }
    assertThat(runs).hasValue(1);
  }

  @Test
  void aReleaseThatFailsIsRetriedInTheBackground() {
    Operation<String> charge =
        node.operation().onResult(result -> Disposition.RELEASE).waitAtMost(Duration.ZERO).build();
    node.store.on(Verb.RELEASE, BROKEN);
    assertThat(run(charge)).isEqualTo(new Execution.Ran<>("run-1", Recording.PENDING));
    assertThat(run(charge)).isInstanceOf(Execution.Busy.class);
    node.store.heal(Verb.RELEASE);
    Concurrency.awaitUntil("the key is free", () -> node.memory.size() == 0);
  }

  @Test
  void aKeyThatCannotBeGivenUpIsAbandonedWhenItsLeaseRunsOut() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ZERO).build();
    node.store.on(Verb.RENEW, BROKEN);
    node.abandon(charge, KEY);
    assertThat(run(charge)).isInstanceOf(Execution.Busy.class);
    node.passes(Node.LEASE.plusMillis(1));
    assertThat(run(charge)).isEqualTo(new Execution.Unresolved<>(1));
    assertThat(node.decisions()).startsWith(Decision.STORE_FAILURE, Decision.ABANDONED);
  }

  @Test
  void closingStoresEveryPendingCompletion() {
    Operation<String> charge = node.operation().build();
    node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    for (int i = 0; i < 999; i++) {
      on(charge).execute("key-" + i, () -> "");
    }
    assertThat(node.store.calls(Verb.COMPLETE)).isGreaterThanOrEqualTo(999);
    node.store.heal(Verb.COMPLETE);
    node.idempotency.close();
    assertThat(node.memory.size()).isEqualTo(999);
    try (Node other = node.neighbour()) {
      assertThat(other.operation().build().execute("key-998", () -> "again"))
          .isInstanceOf(Execution.Replayed.class);
    }
  }

  @Test
  void closingDoesNotWaitForAStoreThatIsDownToTakeBackAClaim() {
    Node impatient = node.neighbour(builder -> builder.shutdownWithin(Concurrency.BOUND));
    impatient.store.on(Verb.CLAIM, ScriptedStore.DOWN);
    impatient.store.on(Verb.RELEASE, ScriptedStore.DOWN);
    Operation<String> charge = impatient.operation().build();
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge));
    long start = System.nanoTime();
    impatient.close();
    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isLessThan(Concurrency.BOUND.dividedBy(2));
  }

  @Test
  void closingTakesBackAClaimWhoseAnswerWasLost() {
    Node other = node.neighbour(builder -> builder.shutdownWithin(Concurrency.BOUND));
    other.store.on(Verb.CLAIM, ScriptedStore.ANSWER_LOST);
    other.store.on(Verb.RELEASE, ScriptedStore.DOWN);
    Operation<String> charge = other.operation().build();
    assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(() -> run(charge));
    Concurrency.awaitUntil("a release fails", () -> other.store.calls(Verb.RELEASE) > 0);
    other.store.heal(Verb.RELEASE);
    other.close();
    assertThat(node.memory.size()).isZero();
  }

  @Test
  void closingWaitsForRunningOperationsAndPendingCompletions() {
    Operation<String> charge = node.operation().build();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    node.store.on(Verb.COMPLETE, ScriptedStore.DOWN);
    Started<Execution<String>> run =
        threads.start(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          running.countDown();
                          Concurrency.await(end);
                          return "done";
                        }));
    Concurrency.await(running);
    Started<Boolean> close =
        threads.start(
            () -> {
              node.close();
              return true;
            });
    close.awaitParked();
    assertThat(close.isDone()).isFalse();
    end.countDown();
    assertThat(run.answer()).isEqualTo(new Execution.Ran<>("done", Recording.PENDING));
    node.store.heal(Verb.COMPLETE);
    assertThat(close.answer()).isTrue();
    try (Node other = node.neighbour()) {
      assertThat(run(other.operation().build())).isEqualTo(new Execution.Replayed<>("done"));
    }
  }

  @Test
  void aClosedEngineRefusesRequestsItCouldNotKeepTheLeasesOf() {
    Operation<String> charge = node.operation().build();
    node.close();
    node.close();
    assertThatIllegalStateException().isThrownBy(() -> run(charge)).withMessageContaining("closed");
    assertThatIllegalStateException().isThrownBy(() -> node.operation().build());
    assertThat(runs).hasValue(0);
  }

  @Test
  void closingGivesUpAfterItsTimeAndInterruptsNobody() {
    Node impatient = node.neighbour(builder -> builder.shutdownWithin(Duration.ofMillis(20)));
    Operation<String> charge = impatient.operation().lease(Duration.ofMillis(100)).build();
    CountDownLatch renewing = new CountDownLatch(1);
    CountDownLatch closed = new CountDownLatch(1);
    AtomicInteger interrupts = new AtomicInteger();
    impatient.store.on(
        Verb.RENEW,
        ScriptedStore.after(
            () -> {
              renewing.countDown();
              try {
                closed.await(Concurrency.BOUND.toSeconds(), java.util.concurrent.TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                interrupts.incrementAndGet();
              }
            }));
    Started<Execution<String>> run =
        threads.start(
            () ->
                on(charge)
                    .execute(
                        KEY,
                        attempt -> {
                          Concurrency.await(closed);
                          return "done";
                        }));
    Concurrency.await(renewing);
    impatient.close();
    closed.countDown();
    assertThat(run.answer()).isEqualTo(new Execution.Ran<>("done", Recording.STORED));
    assertThat(interrupts).hasValue(0);
  }

  @Test
  void expiredRecordsArePurgedRegularlyWhateverAPurgeThrows() {
    try (Node purging = node.neighbour(b -> b.purgeEvery(Duration.ofMillis(5)))) {
      run(node.operation().retention(Duration.ofMinutes(1)).build());
      purging.store.on(Verb.PURGE, BROKEN);
      Concurrency.awaitUntil("purges go on", () -> purging.store.calls(Verb.PURGE) > 2);
      purging.store.heal(Verb.PURGE);
      assertThat(node.memory.size()).isEqualTo(1);
      node.passes(Duration.ofMinutes(2));
      Concurrency.awaitUntil("it is purged", () -> node.memory.size() == 0);
    }
    assertThat(node.store.calls(Verb.PURGE)).as("a minute by default").isZero();
  }
}
