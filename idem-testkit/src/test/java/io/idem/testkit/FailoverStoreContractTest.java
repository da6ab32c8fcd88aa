package io.idem.testkit;

import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** Two stores as one are a store like any other, whatever is to happen when one of them fails. */
class FailoverStoreContractTest {

  abstract static class TwoStores extends IdempotencyStoreContract {

    private final LeasedFixture fixture;

    TwoStores(FallbackPolicy policy) {
      fixture =
          new InMemoryFixture((primary, fallback) -> new FailoverStore(primary, fallback, policy));
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
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

    private final LeasedFixture fixture;

    BatchesOfTwoStores(FallbackPolicy policy, boolean primaryHasBatches) {
      fixture =
          new InMemoryFixture(
              (primary, fallback) ->
                  new FailoverStore(
                      primaryHasBatches ? primary : new OneByOne(primary), fallback, policy));
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
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
