package io.idem.spring.boot;

import io.idem.core.Decision;
import io.idem.core.DecisionEvent;
import io.idem.core.DecisionListener;
import io.idem.core.PurgeEvent;
import io.idem.core.StepEvent;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.Timer;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Counts decisions and purged records, and times requests until they were answered.
 *
 * <p>{@code idem.decisions} counts every decision; {@code idem.requests} times those that answer a
 * request. Both have the tags {@code operation} and {@code decision}.
 *
 * <p>{@code idem.steps} counts and times decisions about steps of operations, which are no
 * requests. It has the same tags; the steps' names, of which there may be many, are left out.
 *
 * <p>{@code idem.purge.records} counts deleted records and {@code idem.purge.lag} tells how far
 * purging is behind, as of its last run; both have the tag {@code store}.
 */
final class DecisionMeters implements DecisionListener {

  private final MeterRegistry registry;

  /** Milliseconds by store; a gauge holds its number weakly. */
  private final Map<String, AtomicLong> lags = new ConcurrentHashMap<>();

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

  @Override
  public void onStep(StepEvent event) {
    Timer.builder("idem.steps")
        .description("Time until a step of an idempotent operation was decided about")
        .tag("operation", event.operation())
        .tag("decision", event.decision().name().toLowerCase(Locale.ROOT))
        .register(registry)
        .record(event.elapsed());
  }

  @Override
  public void onPurge(PurgeEvent event) {
    // The lag first: who sees the count finds the lag of the same purge.
    event
        .lag()
        .ifPresent(
            lag ->
                lags.computeIfAbsent(event.store(), this::lagOf)
                    .set(TimeUnit.MILLISECONDS.convert(lag)));
    Counter.builder("idem.purge.records")
        .description("Expired records that were deleted")
        .tag("store", event.store())
        .register(registry)
        .increment((double) event.deleted());
  }

  private AtomicLong lagOf(String store) {
    AtomicLong millis = new AtomicLong();
    TimeGauge.builder("idem.purge.lag", millis, TimeUnit.MILLISECONDS, AtomicLong::get)
        .description("For how long the oldest stored record has been past its retention")
        .tag("store", store)
        .register(registry);
    return millis;
  }

  private static boolean answers(Decision decision) {
    return switch (decision) {
      case RAN, REPLAYED, BUSY, KEY_REUSED, UNRESOLVED, FAILED, RAN_UNPROTECTED -> true;
      case ABANDONED, TAKEN_OVER, LEASE_LOST, STORE_FAILURE -> false;
    };
  }
}
