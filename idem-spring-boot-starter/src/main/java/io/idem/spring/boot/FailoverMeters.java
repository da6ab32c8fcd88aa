package io.idem.spring.boot;

import io.idem.core.FailoverStore;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/**
 * Counts what the two stores of a failover have to do without each other.
 *
 * <p>{@code idem.failover.missed} counts the calls that a store did not answer, by {@code store}:
 * {@code primary} or {@code fallback}. {@code idem.failover.granted.by.one} counts keys that one
 * store granted alone, and {@code idem.failover.owed} is the number of writes that one store has
 * and the other is still to take; {@code idem.failover.given.up} counts those that it will not get.
 */
final class FailoverMeters {

  private FailoverMeters() {}

  static void bind(FailoverStore store, MeterRegistry registry) {
    missed("primary", store, FailoverStore::missedByPrimary, registry);
    missed("fallback", store, FailoverStore::missedByFallback, registry);
    FunctionCounter.builder("idem.failover.granted.by.one", store, FailoverStore::grantedByOne)
        .description("Keys granted by one store alone, because the other could not be asked")
        .register(registry);
    FunctionCounter.builder("idem.failover.given.up", store, FailoverStore::givenUp)
        .description("Writes that one store has and the other will not get")
        .register(registry);
    Gauge.builder("idem.failover.owed", store, FailoverStore::owed)
        .description("Writes that one store has and the other is still to take")
        .register(registry);
  }

  private static void missed(
      String role,
      FailoverStore store,
      ToDoubleFunction<FailoverStore> count,
      MeterRegistry registry) {
    FunctionCounter.builder("idem.failover.missed", store, count)
        .description("Calls that a store did not answer, or that were not made because it was down")
        .tag("store", role)
        .register(registry);
  }
}
