package io.idem.spring.boot;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.idem.caffeine.CaffeineAnswerCache;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.IdempotencyStore;
import io.idem.resilience4j.CircuitBreakerStore;
import io.idem.spring.IdempotencySetupException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.util.ClassUtils;

/** What stands around the store if the properties ask for it; its classes need not be there. */
final class Resilience {

  private Resilience() {}

  static IdempotencyStore guarded(
      IdempotencyStore store,
      IdemCircuitBreakerProperties properties,
      String name,
      @Nullable ClassLoader classes) {
    if (!properties.isEnabled()) {
      return store;
    }
    require(
        "io.idem.resilience4j.CircuitBreakerStore",
        "idem.circuit-breaker.enabled",
        "idem-resilience4j",
        classes);
    return Breakers.around(store, properties, name);
  }

  static @Nullable AnswerCache answerCache(
      IdemAnswerCacheProperties properties, @Nullable ClassLoader classes) {
    long bytes = properties.getMaxSize().toBytes();
    if (bytes == 0) {
      return null;
    }
    require(
        "io.idem.caffeine.CaffeineAnswerCache",
        "idem.answer-cache.max-size",
        "idem-caffeine",
        classes);
    return Caches.of(bytes, properties.getMaxAge());
  }

  private static void require(
      String type, String property, String module, @Nullable ClassLoader classes) {
    if (!ClassUtils.isPresent(type, classes)) {
      throw new IdempotencySetupException(
          property + " is set, but " + module + " is not on the class path.",
          "Add the dependency io.idem:" + module + ", or remove the property.");
    }
  }

  /** Apart, because the classes it names need not be there. */
  private static final class Breakers {

    static IdempotencyStore around(
        IdempotencyStore store, IdemCircuitBreakerProperties properties, String name) {
      CircuitBreakerConfig config =
          CircuitBreakerConfig.custom()
              .slidingWindowSize(properties.getCalls())
              .minimumNumberOfCalls(properties.getCalls())
              .failureRateThreshold(properties.getFailureRate())
              .slowCallRateThreshold(properties.getFailureRate())
              .slowCallDurationThreshold(properties.getSlowAfter())
              .waitDurationInOpenState(properties.getWait())
              .build();
      return new CircuitBreakerStore(store, CircuitBreaker.of(name, config));
    }
  }

  /** Apart for the same reason. */
  private static final class Caches {

    static AnswerCache of(long maxBytes, Duration maxAge) {
      return new CaffeineAnswerCache(maxBytes, maxAge);
    }
  }
}
