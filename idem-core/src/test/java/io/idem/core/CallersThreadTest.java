package io.idem.core;

import static io.idem.core.Concurrency.await;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.idem.core.Concurrency.Started;
import io.idem.core.ScriptedStore.Fault;
import io.idem.core.ScriptedStore.Verb;
import io.idem.core.store.StoreUnavailableException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is about the calling thread, and has no counterpart where none waits. */
class CallersThreadTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42").comparing("10 EUR");

  private final Node node = Node.start();
  private final Concurrency threads = new Concurrency();
  private final CountDownLatch running = new CountDownLatch(1);
  private final CountDownLatch end = new CountDownLatch(1);
  private final AtomicInteger runs = new AtomicInteger();

  @AfterEach
  void stop() {
    end.countDown();
    threads.close();
    node.close();
  }

  private Execution<String> repeat(Operation<String> operation) {
    return operation.execute(KEY, attempt -> "repeat-" + runs.incrementAndGet());
  }

  /** A run that goes on until {@link #end}. */
  private Started<Execution<String>> startRun(Operation<String> operation) {
    Started<Execution<String>> started =
        threads.start(
            () ->
                operation.execute(
                    KEY,
                    attempt -> {
                      running.countDown();
                      await(end);
                      return "first";
                    }));
    await(running);
    return started;
  }

  @Test
  void anOperationInsideItselfUnderTheSameKeyIsBusyAtOnce() {
    Operation<String> charge = node.operation().waitAtMost(Duration.ofDays(1)).build();
    assertThat(
            charge.execute(
                KEY,
                attempt -> {
                  assertThat(repeat(charge)).isInstanceOf(Execution.Busy.class);
                  assertThat(
                          charge
                              .executeAsync(
                                  KEY,
                                  again -> {
                                    throw new AssertionError("It is this thread that runs");
                                  })
                              .toCompletableFuture()
                              .join())
                      .isInstanceOf(Execution.Busy.class);
                  return "outer";
                }))
        .isEqualTo(new Execution.Ran<>("outer", Recording.STORED));
    assertThat(runs).hasValue(0);
  }

  /** What a driver does whose caller is interrupted, with a store that is well. */
  private static final Fault INTERRUPTED =
      ScriptedStore.after(
          () -> {
            Thread.currentThread().interrupt();
            throw ScriptedStore.down();
          });

  @Test
  void anInterruptedThreadDoesNotFailOpen() {
    Operation<String> charge =
        node.operation()
            .onStoreDown(StoreDownPolicy.FAIL_OPEN)
            .onAbandoned(new AbandonedPolicy.Retry<>())
            .build();
    assertThat(charge.execute(KEY, attempt -> "first"))
        .isEqualTo(new Execution.Ran<>("first", Recording.STORED));
    node.store.on(Verb.CLAIM, INTERRUPTED);

    assertInterruptedAndUnavailable(() -> repeat(charge));
    assertInterruptedAndUnavailable(
        () -> charge.executeAll(List.of(KEY), BatchBody.each(item -> "repeat")));

    node.store.heal(Verb.CLAIM);
    IdempotentRequest other = IdempotentRequest.of("order-43");
    assertInterruptedAndUnavailable(
        () ->
            charge.execute(
                other,
                attempt -> {
                  node.store.on(Verb.CLAIM, INTERRUPTED);
                  attempt.step("ship", key -> runs.incrementAndGet());
                  return "shipped";
                }));
    assertThat(runs).hasValue(0);
    assertThat(node.decisions()).doesNotContain(Decision.RAN_UNPROTECTED);
  }

  private static void assertInterruptedAndUnavailable(ThrowingCallable call) {
    try {
      assertThatExceptionOfType(StoreUnavailableException.class).isThrownBy(call);
    } finally {
      assertThat(Thread.interrupted()).as("still interrupted").isTrue();
    }
  }

  @Test
  void anInterruptedFollowerLeavesTheOwnerAlone() {
    Operation<String> charge = node.operation().waitAtMost(Concurrency.BOUND).build();
    Started<Execution<String>> first = startRun(charge);
    assertInterruptedWaiterIsBusy(charge);
    end.countDown();
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("first", Recording.STORED));
    assertThat(repeat(charge)).isEqualTo(new Execution.Replayed<>("first"));
  }

  @Test
  void anInterruptedWaiterOnAnotherNodeLeavesTheOwnerAlone() {
    Started<Execution<String>> first = startRun(node.operation().build());
    try (Node other = node.neighbour()) {
      assertInterruptedWaiterIsBusy(other.operation().waitAtMost(Concurrency.BOUND).build());
    }
    end.countDown();
    assertThat(first.answer()).isEqualTo(new Execution.Ran<>("first", Recording.STORED));
  }

  private void assertInterruptedWaiterIsBusy(Operation<String> charge) {
    Started<Boolean> waiter =
        threads.start(
            () -> {
              Execution<String> answer = repeat(charge);
              return answer instanceof Execution.Busy && Thread.interrupted();
            });
    waiter.awaitParked();
    waiter.thread.interrupt();
    assertThat(waiter.answer()).as("Busy, with the interrupt kept").isTrue();
  }

  @Test
  void anInterruptedRecoveryLeavesTheKeyAbandonedAndKeepsTheInterrupt() {
    node.abandon(node.operation().build(), KEY);
    Operation<String> recovering =
        node.operation()
            .onAbandoned(
                new AbandonedPolicy.Recover<>(
                    attempt -> {
                      throw new InterruptedException();
                    }))
            .build();
    assertThat(repeat(recovering)).isEqualTo(new Execution.Unresolved<>(2));
    assertThat(Thread.interrupted()).as("the interrupt is kept").isTrue();
    assertThat(runs).hasValue(0);
  }
}
