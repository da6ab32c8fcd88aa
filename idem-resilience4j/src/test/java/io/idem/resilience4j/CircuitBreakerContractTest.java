package io.idem.resilience4j;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.idem.core.InMemoryStore;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.IdempotencyStoreContract;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** A store behind a closed breaker is a store like any other. */
class CircuitBreakerContractTest {

  private static IdempotencyStore around(IdempotencyStore store) {
    return new CircuitBreakerStore(store, CircuitBreaker.ofDefaults("store"));
  }

  private static IdempotencyStore inMemory(AtomicLong passedNanos) {
    return new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Leased extends IdempotencyStoreContract {

    private final AtomicLong passedNanos = new AtomicLong();
    private final IdempotencyStore memory = inMemory(passedNanos);
    private final IdempotencyStore here = around(memory);
    private final IdempotencyStore there = around(memory);

    @Override
    protected IdempotencyStore store() {
      return here;
    }

    @Override
    protected IdempotencyStore otherStore() {
      return there;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      passedNanos.addAndGet(by.toNanos());
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Batches extends BatchClaimsContract {

    private final AtomicLong passedNanos = new AtomicLong();
    private final IdempotencyStore memory = inMemory(passedNanos);
    private final IdempotencyStore here = around(memory);

    @Override
    protected IdempotencyStore store() {
      return here;
    }

    @Override
    protected BatchClaims batches() {
      return here.capability(BatchClaims.class).orElseThrow();
    }

    @Override
    protected BatchClaims otherBatches() {
      return around(memory).capability(BatchClaims.class).orElseThrow();
    }

    @Override
    protected void age(RecordId id, Duration by) {
      passedNanos.addAndGet(by.toNanos());
    }
  }
}
