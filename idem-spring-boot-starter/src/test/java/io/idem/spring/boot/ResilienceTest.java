package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.store.AnswerCache;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Together;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** The cache of answers and the circuit breaker, as properties switch them on. */
class ResilienceTest {

  private final Counting store = new Counting();
  private final ApplicationContextRunner app =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(IdempotencyAutoConfiguration.class))
          .withBean(IdempotencyStore.class, () -> store);

  private static Execution<String> run(Idempotency idempotency, String key) {
    return idempotency
        .operation("charge", String.class)
        .build()
        .execute(IdempotentRequest.of(key), attempt -> "done");
  }

  private static StoreUnavailableException failure(Idempotency idempotency) {
    return catchThrowableOfType(StoreUnavailableException.class, () -> run(idempotency, "k"));
  }

  private int claimsOfARunAndAReplay(Idempotency idempotency) {
    run(idempotency, "k");
    assertThat(run(idempotency, "k")).isEqualTo(new Execution.Replayed<>("done"));
    return store.claims.get();
  }

  @Test
  void byDefaultNothingIsCached() {
    app.run(
        context ->
            assertThat(claimsOfARunAndAReplay(context.getBean(Idempotency.class))).isEqualTo(2));
  }

  @Test
  void withASizeAnswersAreCached() {
    app.withPropertyValues("idem.answer-cache.max-size=1MB")
        .run(
            context ->
                assertThat(claimsOfARunAndAReplay(context.getBean(Idempotency.class)))
                    .isEqualTo(1));
  }

  @Test
  void theApplicationsOwnCacheWins() {
    AtomicInteger kept = new AtomicInteger();
    AnswerCache own =
        new AnswerCache() {
          @Override
          public Claim.Completed get(RecordId id) {
            return null;
          }

          @Override
          public void put(RecordId id, Claim.Completed answer, Duration keepFor) {
            kept.incrementAndGet();
          }
        };
    app.withBean(AnswerCache.class, () -> own)
        .withPropertyValues("idem.answer-cache.max-size=1MB")
        .run(
            context -> {
              assertThat(claimsOfARunAndAReplay(context.getBean(Idempotency.class))).isEqualTo(2);
              assertThat(kept).hasValue(1);
            });
  }

  @Test
  void aBreakerHoldsClaimsBack() {
    app.withPropertyValues("idem.circuit-breaker.enabled=true", "idem.circuit-breaker.calls=3")
        .run(
            context -> {
              Idempotency idempotency = context.getBean(Idempotency.class);
              store.down = true;
              // Not counted: a claim that is being given back in the background may be what opens
              // the breaker, a moment after it was counted.
              Together.await(
                  "held back", () -> failure(idempotency) instanceof StoreNotAskedException);
              int claims = store.claims.get();
              assertThat(failure(idempotency)).isInstanceOf(StoreNotAskedException.class);
              assertThat(store.claims).hasValue(claims);
              store.down = false;
            });
  }

  @Test
  void whatIsAskedForMustBeThere() {
    for (String[] asked :
        new String[][] {
          {"idem.circuit-breaker.enabled=true", "io.idem.resilience4j", "idem-resilience4j"},
          {"idem.answer-cache.max-size=1MB", "io.idem.caffeine", "idem-caffeine"}
        }) {
      app.withPropertyValues(asked[0])
          .withClassLoader(new FilteredClassLoader(asked[1]))
          .run(
              context ->
                  assertThat(context)
                      .getFailure()
                      .rootCause()
                      .hasMessageContaining(asked[2] + " is not on the class path"));
    }
  }

  @Test
  void withoutTheModulesAllIsAsUsual() {
    app.withClassLoader(
            new FilteredClassLoader(
                "io.idem.resilience4j",
                "io.idem.caffeine",
                "io.github.resilience4j",
                "com.github.benmanes"))
        .run(
            context ->
                assertThat(claimsOfARunAndAReplay(context.getBean(Idempotency.class)))
                    .isEqualTo(2));
  }

  private static final class Counting implements IdempotencyStore {
    private final InMemoryStore memory = new InMemoryStore();
    final AtomicInteger claims = new AtomicInteger();
    volatile boolean down;

    @Override
    public Claim claim(ClaimRequest request) {
      claims.incrementAndGet();
      up();
      return memory.claim(request);
    }

    private void up() {
      if (down) {
        throw new StoreUnavailableException("down", null);
      }
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      up();
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return memory.renew(lease, leaseFor);
    }
  }
}
