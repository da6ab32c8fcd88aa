package io.idem.resilience4j;

import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** A store behind a closed breaker is a store like any other. */
class CircuitBreakerContractTest {

  private record Guarded(
      AtomicLong passedNanos, IdempotencyStore store, IdempotencyStore otherStore)
      implements LeasedFixture {

    static Guarded inMemory() {
      AtomicLong passedNanos = new AtomicLong();
      IdempotencyStore memory =
          new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());
      return new Guarded(passedNanos, around(memory), around(memory));
    }

    private static IdempotencyStore around(IdempotencyStore store) {
      return new CircuitBreakerStore(store, CircuitBreaker.ofDefaults("store"));
    }

    @Override
    public void age(RecordId id, Duration by) {
      passedNanos.addAndGet(by.toNanos());
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Leased extends IdempotencyStoreContract {

    private final LeasedFixture fixture = Guarded.inMemory();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Batches extends BatchClaimsContract {

    private final LeasedFixture fixture = Guarded.inMemory();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }
}
