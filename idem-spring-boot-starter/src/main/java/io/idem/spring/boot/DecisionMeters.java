package io.idem.spring.boot;

import io.idem.core.Decision;
import io.idem.core.DecisionEvent;
import io.idem.core.DecisionListener;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;

/**
 * Counts decisions, and times requests until they were answered.
 *
 * <p>{@code idem.decisions} counts every decision; {@code idem.requests} times those that answer a
 * request. Both have the tags {@code operation} and {@code decision}.
 */
final class DecisionMeters implements DecisionListener {

  private final MeterRegistry registry;

  DecisionMeters(MeterRegistry registry) {
    this.registry = registry;
  }

  @Override
  public void onDecision(DecisionEvent event) {
    String decision = event.decision().name().toLowerCase(Locale.ROOT);
    Counter.builder("idem.decisions")
        .description("Decisions about idempotent requests")
        .tag("operation", event.operation())
        .tag("decision", decision)
        .register(registry)
        .increment();
    if (answers(event.decision())) {
      Timer.builder("idem.requests")
          .description("Time until an idempotent request was answered")
          .tag("operation", event.operation())
          .tag("decision", decision)
          .register(registry)
          .record(event.elapsed());
    }
  }

  private static boolean answers(Decision decision) {
    return switch (decision) {
      case RAN, REPLAYED, BUSY, KEY_REUSED, UNRESOLVED, FAILED, RAN_UNPROTECTED -> true;
      case ABANDONED, TAKEN_OVER, LEASE_LOST, STORE_FAILURE -> false;
    };
  }
}
