package io.idem.jdbc;

import io.idem.core.store.BatchClaims;
import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.ExpiredEntriesContract;
import io.idem.testkit.IdempotencyStoreContract;
import java.time.Duration;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/**
 * Every contract on one backend, with one client whose pool hands out connections with autocommit
 * off.
 */
abstract class StoreContracts {

  private final Supplier<TestDatabase> databases;

  StoreContracts(Backend backend) {
    this(backend::prepared);
  }

  StoreContracts(Supplier<TestDatabase> databases) {
    this.databases = databases;
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Leased extends IdempotencyStoreContract {

    private final TestDatabase database = databases.get();
    private final IdempotencyStore store = database.leased();
    private final IdempotencyStore other = database.leased(database.counting(100, false));

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected IdempotencyStore otherStore() {
      return other;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      database.age(id, by);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Purge extends ExpiredEntriesContract {

    private final TestDatabase database = databases.get();
    private final JdbcIdempotencyStore store = database.leased();

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected ExpiredEntries entries() {
      return store;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      database.age(id, by);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class Transactional extends TestDatabase.TransactionalContract {

    private final TestDatabase database = databases.get();

    @Override
    TestDatabase database() {
      return database;
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class LeasedBatches extends BatchClaimsContract {

    private final TestDatabase database = databases.get();
    private final JdbcIdempotencyStore store = database.leased();
    private final JdbcIdempotencyStore other = database.leased(database.counting(100, false));

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected BatchClaims batches() {
      return store;
    }

    @Override
    protected BatchClaims otherBatches() {
      return other;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      database.age(id, by);
    }
  }

  @Nested
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  class TransactionalBatches extends TestDatabase.BatchContract {

    private final TestDatabase database = databases.get();

    @Override
    TestDatabase database() {
      return database;
    }
  }
}
