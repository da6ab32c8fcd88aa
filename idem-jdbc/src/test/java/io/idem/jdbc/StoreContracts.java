package io.idem.jdbc;

import io.idem.testkit.TransactionalBatchContract;
import io.idem.testkit.TransactionalFixture;
import io.idem.testkit.TransactionalStoreContract;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;

/** Every contract on one backend: those of leased keys on one database, the others on another. */
abstract class StoreContracts extends LeasedContracts {

  private final Once<TransactionalFixture> transactional;

  StoreContracts(Backend backend) {
    this(backend::prepared);
  }

  StoreContracts(Supplier<TestDatabase> databases) {
    super(() -> DatabaseFixture.leased(databases.get().pooled()));
    transactional = new Once<>(() -> DatabaseFixture.transactional(databases.get().pooled()));
  }

  @Override
  @AfterAll
  void close() throws Exception {
    super.close();
    transactional.closeIfMade();
  }

  @Nested
  class Transactional extends TransactionalStoreContract {
    @Override
    protected TransactionalFixture fixture() {
      return transactional.get();
    }
  }

  @Nested
  class TransactionalBatches extends TransactionalBatchContract {
    @Override
    protected TransactionalFixture fixture() {
      return transactional.get();
    }
  }
}
