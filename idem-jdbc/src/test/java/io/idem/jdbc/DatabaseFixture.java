package io.idem.jdbc;

import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TransactionalFixture;
import io.idem.testkit.TransactionalStoreContract;
import java.sql.Connection;
import java.time.Duration;

/** Both stores on one database, with one client whose pool hands out autocommit switched off. */
final class DatabaseFixture {

  private DatabaseFixture() {}

  static LeasedFixture leased(TestDatabase database) {
    return new Leased(database, database.leased(), database.leased(database.counting(100, false)));
  }

  static TransactionalFixture transactional(TestDatabase database) {
    return new Transactional(database);
  }

  private record Leased(TestDatabase database, IdempotencyStore store, IdempotencyStore otherStore)
      implements LeasedFixture, AutoCloseable {

    @Override
    public void age(RecordId id, Duration by) {
      database.age(id, by);
    }

    @Override
    public void close() {
      database.close();
    }
  }

  private record Transactional(TestDatabase database)
      implements TransactionalFixture, AutoCloseable {

    @Override
    public TransactionalStore store() {
      return database.transactional();
    }

    @Override
    public TransactionalStore otherStore() {
      return database.transactional(database.counting(100, false));
    }

    @Override
    public TransactionalStore storeOnOneConnection() {
      return database.transactional(database.counting(1, true));
    }

    @Override
    public IdempotencyStore leasedStore() {
      return database.leased();
    }

    @Override
    public void inCallersTransaction(TransactionalStoreContract.CallersWork work) {
      database.inTransaction(connection -> work.run(database.joining(connection)));
    }

    @Override
    public void write(TransactionScope scope, RecordId name) {
      database.write(scope, name);
    }

    /** No other has constraints that are checked at the end. */
    @Override
    public boolean writeUncommittable(TransactionScope scope) {
      if (database.dialect() != Dialect.POSTGRESQL) {
        return false;
      }
      database.execute(
          "CREATE TABLE IF NOT EXISTS late (name INT UNIQUE DEFERRABLE INITIALLY DEFERRED)");
      TestDatabase.execute(scope.unwrap(Connection.class), "INSERT INTO late VALUES (1), (1)");
      return true;
    }

    @Override
    public int effects(RecordId name) {
      return database.effects(name);
    }

    @Override
    public int waiting() {
      return database.waiting();
    }

    @Override
    public void set(TransactionScope scope) {
      TestDatabase.execute(
          scope.unwrap(Connection.class),
          switch (database.dialect()) {
            case H2 -> "SET LOCK_TIMEOUT 1234";
            case POSTGRESQL -> "SET LOCAL lock_timeout = '7s'";
            case MARIADB, MYSQL -> "SET innodb_lock_wait_timeout = 7";
          });
    }

    @Override
    public String settings(TransactionScope scope) {
      return TestDatabase.text(
          scope.unwrap(Connection.class),
          switch (database.dialect()) {
            case H2 -> "SELECT LOCK_TIMEOUT()";
            case POSTGRESQL -> "SHOW lock_timeout";
            case MARIADB, MYSQL -> "SELECT @@SESSION.innodb_lock_wait_timeout";
          });
    }

    /**
     * On InnoDB the read of a record that is met and left alone, such as an abandoned one, locks it
     * until the transaction ends. On MySQL an insert of a repeat, at REPEATABLE READ, also locks
     * the gap before the record that it meets.
     */
    @Override
    public boolean locksNeighbours() {
      return database.dialect() == Dialect.MARIADB || database.dialect() == Dialect.MYSQL;
    }

    /**
     * On H2 2.3, who waits for a row of a transaction in which a statement has failed, such as the
     * insert of a repeat, waits until that transaction ends, whatever its lock timeout.
     */
    @Override
    public boolean boundsEveryWait() {
      return database.dialect() != Dialect.H2;
    }

    @Override
    public Duration waitUnit() {
      boolean seconds =
          database.dialect() == Dialect.MARIADB || database.dialect() == Dialect.MYSQL;
      return seconds ? Duration.ofSeconds(1) : Duration.ZERO;
    }

    @Override
    public void age(RecordId id, Duration by) {
      database.age(id, by);
    }

    @Override
    public void close() {
      database.close();
    }
  }
}
