package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Listeners are told when a thread enters and leaves a body, in every mode. */
class BodyEventsTest {

  private static final IdempotentRequest KEY = IdempotentRequest.of("order-42");

  private final List<String> events = new ArrayList<>();
  private final Node node = Node.start(Runner.SYNC, builder -> builder.listener(new Recorder()));

  private final class Recorder implements DecisionListener {

    @Override
    public void onDecision(DecisionEvent event) {}

    @Override
    public void onBodyStart(Attempt attempt) {
      events.add("start " + attempt.operation() + " " + attempt.mode());
    }

    @Override
    public void onBodyEnd(Attempt attempt) {
      events.add("end " + attempt.operation());
    }
  }

  @AfterEach
  void stop() {
    node.close();
  }

  private <T> T noted(T result) {
    events.add("body");
    return result;
  }

  @Test
  void aLeasedBodyIsInsideAndARepeatIsNot() {
    Operation<String> charge = node.operation().build();

    charge.execute(KEY, attempt -> noted("done"));
    charge.execute(KEY, attempt -> noted("again"));

    assertThat(events).containsExactly("start charge LEASED", "body", "end charge");
  }

  @Test
  void aBodyThatThrowsIsLeft() {
    Operation<String> charge = node.operation().build();

    assertThatThrownBy(
            () ->
                charge.execute(
                    KEY,
                    attempt -> {
                      throw new IllegalStateException("declined");
                    }))
        .hasMessage("declined");

    assertThat(events).containsExactly("start charge LEASED", "end charge");
  }

  @Test
  void anOperationInsideAnotherIsEnteredAndLeftWithinIt() {
    Operation<String> outer = node.operation().build();
    Operation<String> inner = node.idempotency.operation("inner", String.class).build();

    outer.execute(KEY, attempt -> inner.execute(KEY, nested -> noted("in")).toString());

    assertThat(events)
        .containsExactly(
            "start charge LEASED", "start inner LEASED", "body", "end inner", "end charge");
  }

  @Test
  void aBatchIsEnteredOnce() {
    Operation<String> charge = node.operation().build();

    charge.executeAll(
        List.of(IdempotentRequest.of("a"), IdempotentRequest.of("b")),
        BatchBody.each(item -> noted("done")));

    assertThat(events).containsExactly("start charge LEASED", "body", "body", "end charge");
  }

  @Test
  void anAsynchronousBodyIsLeftWhenItHasReturnedItsStage() {
    CompletableFuture<String> later = new CompletableFuture<>();

    var answer =
        node.operation()
            .build()
            .executeAsync(
                KEY,
                attempt -> {
                  events.add("body");
                  return later;
                });

    Concurrency.awaitUntil("the body is left", () -> events.contains("end charge"));
    assertThat(events).containsExactly("start charge LEASED", "body", "end charge");
    later.complete("done");
    assertThat(answer.toCompletableFuture()).succeedsWithin(Duration.ofSeconds(10));
  }

  @Test
  void aTransactionalBodyIsInsideUntilItsTransactionHasBeenFlushed() {
    FakeTransactionalStore store = new FakeTransactionalStore();
    try (Idempotency idempotency =
        Idempotency.builder().transactionalStore(store).listener(new Recorder()).build()) {
      Operation<String> pay = idempotency.operation("pay", String.class).build();

      pay.execute(KEY, attempt -> noted("done"));
      pay.executeAll(List.of(IdempotentRequest.of("b")), BatchBody.each(item -> noted("done")));
    }
    assertThat(events)
        .containsExactly(
            "start pay TRANSACTIONAL",
            "body",
            "end pay",
            "start pay TRANSACTIONAL",
            "body",
            "end pay");
  }

  @Test
  void aRecoveryHookIsInside() {
    Operation<String> charge =
        node.operation()
            .onAbandoned(
                new AbandonedPolicy.Recover<>(
                    attempt -> {
                      events.add("hook");
                      return new AbandonedPolicy.Recovery.Happened<>("found");
                    }))
            .build();
    node.abandon(charge, KEY);
    events.clear();

    charge.execute(KEY, attempt -> noted("again"));

    assertThat(events).containsExactly("start charge LEASED", "hook", "end charge");
  }

  @Test
  void aListenerThatThrowsIsContained() {
    List<String> told = new ArrayList<>();
    DecisionListener failing =
        new DecisionListener() {
          @Override
          public void onDecision(DecisionEvent event) {}

          @Override
          public void onBodyStart(Attempt attempt) {
            throw new IllegalStateException("start");
          }

          @Override
          public void onBodyEnd(Attempt attempt) {
            told.add("end");
            throw new IllegalStateException("end");
          }
        };
    try (Node other = node.neighbour(builder -> builder.listener(failing))) {
      assertThat(other.operation().build().execute(KEY, attempt -> "done"))
          .isEqualTo(new Execution.Ran<>("done", Recording.STORED));
    }
    assertThat(told).containsExactly("end");
  }
}
