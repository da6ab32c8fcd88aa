package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** One engine on a store whose clock the test moves. */
final class Node implements AutoCloseable {

  static final Duration LEASE = Duration.ofSeconds(30);

  final AtomicLong clock;
  final InMemoryStore memory;
  final ScriptedStore store;
  final List<DecisionEvent> events = new CopyOnWriteArrayList<>();
  final Idempotency idempotency;

  private final Runner runner;

  private Node(
      Runner runner,
      AtomicLong clock,
      InMemoryStore memory,
      UnaryOperator<Idempotency.Builder> set) {
    this.runner = runner;
    this.clock = clock;
    this.memory = memory;
    this.store = new ScriptedStore(memory, runner);
    this.idempotency =
        set.apply(
                Idempotency.builder()
                    .store(store)
                    .listener(events::add)
                    .shutdownWithin(Duration.ofSeconds(2)))
            .build();
  }

  static Node start() {
    return start(Runner.SYNC);
  }

  static Node start(Runner runner) {
    return start(runner, UnaryOperator.identity());
  }

  static Node start(Runner runner, UnaryOperator<Idempotency.Builder> set) {
    AtomicLong clock = new AtomicLong(Long.MAX_VALUE - 1_000_000_000L); // it wraps, as clocks may
    return new Node(runner, clock, new InMemoryStore(1_000, clock::get), set);
  }

  /** Another node on the same store. */
  Node neighbour() {
    return neighbour(UnaryOperator.identity());
  }

  Node neighbour(UnaryOperator<Idempotency.Builder> set) {
    return new Node(runner, clock, memory, set);
  }

  Operation.Builder<String> operation() {
    return idempotency.operation("charge", String.class).lease(LEASE);
  }

  void passes(Duration time) {
    clock.addAndGet(time.toNanos());
  }

  List<Decision> decisions() {
    return events.stream().map(DecisionEvent::decision).toList();
  }

  void awaitDecision(Decision decision) {
    Concurrency.awaitUntil(decision + " is reported", () -> decisions().contains(decision));
  }

  /** Leaves a key abandoned, as a crash in the middle of its first run would. */
  void abandon(Operation<String> operation, IdempotentRequest request) {
    try {
      runner
          .on(operation)
          .execute(
              request,
              attempt -> {
                throw new IllegalStateException("crash");
              });
    } catch (IllegalStateException e) {
      assertThat(e).hasMessage("crash");
    }
  }

  @Override
  public void close() {
    idempotency.close();
  }
}
