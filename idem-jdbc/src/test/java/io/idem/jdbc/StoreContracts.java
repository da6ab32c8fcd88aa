package io.idem.jdbc;

import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.ExpiredEntriesContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TransactionalBatchContract;
import io.idem.testkit.TransactionalFixture;
import io.idem.testkit.TransactionalStoreContract;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** Every contract on one backend, each with a database of its own. */
abstract class StoreContracts {

  private final Supplier<TestDatabase> databases;

  StoreContracts(Backend backend) {
    this(backend::prepared);
  }

  StoreContracts(Supplier<TestDatabase> databases) {
    this.databases = databases;
  }

  private LeasedFixture newLeased() {
    return DatabaseFixture.leased(databases.get());
  }

  private TransactionalFixture newTransactional() {
    return DatabaseFixture.transactional(databases.get());
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Leased extends IdempotencyStoreContract {

    private final LeasedFixture fixture = newLeased();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class LeasedBatches extends BatchClaimsContract {

    private final LeasedFixture fixture = newLeased();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Purge extends ExpiredEntriesContract {

    private final LeasedFixture fixture = newLeased();

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Transactional extends TransactionalStoreContract {

    private final TransactionalFixture fixture = newTransactional();

    @Override
    protected TransactionalFixture fixture() {
      return fixture;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class TransactionalBatches extends TransactionalBatchContract {

    private final TransactionalFixture fixture = newTransactional();

    @Override
    protected TransactionalFixture fixture() {
      return fixture;
    }
  }
}
