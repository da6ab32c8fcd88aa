package io.idem.testkit;

import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.InMemoryStore;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** Two stores as one are a store like any other, whatever is to happen when one of them fails. */
class FailoverStoreContractTest {

  abstract static class TwoStores extends IdempotencyStoreContract {

    private final AtomicLong passedNanos = new AtomicLong();
    private final IdempotencyStore primary = inMemory();
    private final IdempotencyStore fallback = inMemory();
    private final IdempotencyStore here;
    private final IdempotencyStore there;

    TwoStores(FallbackPolicy policy) {
      here = new FailoverStore(primary, fallback, policy);
      there = new FailoverStore(primary, fallback, policy);
    }

    private IdempotencyStore inMemory() {
      return new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());
    }

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
  class WithARequiredFallback extends TwoStores {
    WithARequiredFallback() {
      super(FallbackPolicy.REQUIRED);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class WithAnOptionalFallback extends TwoStores {
    WithAnOptionalFallback() {
      super(FallbackPolicy.OPTIONAL);
    }
  }
}
