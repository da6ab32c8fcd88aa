package io.idem.testkit;

import io.idem.core.FailoverStore;
import io.idem.core.FallbackPolicy;
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
}
