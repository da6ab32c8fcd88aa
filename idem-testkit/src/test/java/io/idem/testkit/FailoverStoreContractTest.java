package io.idem.testkit;

import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.InMemoryStore;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
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

  abstract static class BatchesOfTwoStores extends BatchClaimsContract {

    private final AtomicLong passedNanos = new AtomicLong();
    private final IdempotencyStore here;
    private final IdempotencyStore there;

    BatchesOfTwoStores(FallbackPolicy policy, boolean primaryHasBatches) {
      InMemoryStore memory = inMemory();
      IdempotencyStore primary = primaryHasBatches ? memory : new OneByOne(memory);
      IdempotencyStore fallback = inMemory();
      here = new FailoverStore(primary, fallback, policy);
      there = new FailoverStore(primary, fallback, policy);
    }

    private InMemoryStore inMemory() {
      return new InMemoryStore(1_000_000, () -> System.nanoTime() + passedNanos.get());
    }

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
      return there.capability(BatchClaims.class).orElseThrow();
    }

    @Override
    protected void age(RecordId id, Duration by) {
      passedNanos.addAndGet(by.toNanos());
    }
  }

  /** A store without batches. */
  private record OneByOne(IdempotencyStore store) implements IdempotencyStore {

    @Override
    public Claim claim(ClaimRequest request) {
      return store.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return store.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return store.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class BatchesWithARequiredFallback extends BatchesOfTwoStores {
    BatchesWithARequiredFallback() {
      super(FallbackPolicy.REQUIRED, true);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class BatchesWithAnOptionalFallback extends BatchesOfTwoStores {
    BatchesWithAnOptionalFallback() {
      super(FallbackPolicy.OPTIONAL, true);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class BatchesOnAPrimaryWithoutThem extends BatchesOfTwoStores {
    BatchesOnAPrimaryWithoutThem() {
      super(FallbackPolicy.REQUIRED, false);
    }
  }
}
