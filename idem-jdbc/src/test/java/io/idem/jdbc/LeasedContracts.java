package io.idem.jdbc;

import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.ExpiredEntriesContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** Every contract of leased keys on one fixture, which is made when the first case asks for it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class LeasedContracts {

  private final Once<LeasedFixture> leased;

  LeasedContracts(Supplier<LeasedFixture> newLeased) {
    leased = new Once<>(newLeased);
  }

  @AfterAll
  void close() throws Exception {
    leased.closeIfMade();
  }

  /** Made when it is first asked for, and closed where it can be. Not thread-safe. */
  static final class Once<T> {

    private final Supplier<T> supplier;
    private T made;

    Once(Supplier<T> supplier) {
      this.supplier = supplier;
    }

    T get() {
      if (made == null) {
        made = supplier.get();
      }
      return made;
    }

    void closeIfMade() throws Exception {
      if (made instanceof AutoCloseable closeable) {
        closeable.close();
      }
    }
  }

  @Nested
  class Leased extends IdempotencyStoreContract {
    @Override
    protected LeasedFixture fixture() {
      return leased.get();
    }
  }

  @Nested
  class LeasedBatches extends BatchClaimsContract {
    @Override
    protected LeasedFixture fixture() {
      return leased.get();
    }
  }

  @Nested
  class Purge extends ExpiredEntriesContract {
    @Override
    protected LeasedFixture fixture() {
      return leased.get();
    }
  }
}
