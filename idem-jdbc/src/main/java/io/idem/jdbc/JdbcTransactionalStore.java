package io.idem.jdbc;

import io.idem.core.store.ExpiredEntries;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.TransactionalStore;
import io.idem.jdbc.internal.BatchTable;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.LeasedCalls;
import io.idem.jdbc.internal.RecordTable;
import io.idem.jdbc.internal.Session;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Records in the database of the effect, committed with it: a transactional inbox.
 *
 * <p>A claim that finds a rival's uncommitted record waits for it on the database. Under READ
 * COMMITTED it then sees what became of it; under a stricter isolation level the database demands a
 * new transaction. Thread-safe.
 */
public final class JdbcTransactionalStore implements TransactionalStore, ExpiredEntries {

  private final JdbcTransactions transactions;
  private final JdbcSettings settings;
  private final RecordTable table;
  private final BatchTable batches;
  private final @Nullable PartitionedPurge partitions;

  /**
   * Creates a store that runs its own transactions, with the default settings.
   *
   * @param dataSource where connections come from
   * @throws IllegalStateException if the database is not one that Idem knows
   * @throws StoreUnavailableException if the database cannot be reached
   */
  public JdbcTransactionalStore(DataSource dataSource) {
    this(JdbcTransactions.of(dataSource), Dialect.of(dataSource), JdbcSettings.defaults());
  }

  /**
   * Creates a store.
   *
   * @param transactions how transactions are run
   * @param dialect which database they run on
   * @param settings how records are kept
   */
  public JdbcTransactionalStore(
      JdbcTransactions transactions, Dialect dialect, JdbcSettings settings) {
    this.transactions = transactions;
    this.settings = settings;
    this.table = dialect.table(settings);
    this.batches = new BatchTable(table);
    this.partitions = PartitionedPurge.of(transactions, dialect, settings);
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(
      TransactionWork<R, X> work) throws X {
    return transactions.inTransaction(
        transaction -> {
          JdbcTransactionScope scope = new JdbcTransactionScope(transaction, table, batches);
          try {
            R result = work.run(scope);
            scope.requireCommittable();
            return result;
          } finally {
            scope.end();
          }
        });
  }

  /**
   * {@inheritDoc}
   *
   * <p>In a transaction of its own, on a thread that runs in none. Of a partitioned table,
   * partitions that are no longer needed are dropped first, with all their records, which may be
   * more than the limit; and those of keys to come are made.
   */
  @Override
  public int purgeExpired(int limit) {
    if (limit < 1) {
      throw new IllegalArgumentException("The limit of a purge is at least 1, found " + limit);
    }
    if (partitions != null) {
      return partitions.purge(limit);
    }
    return inOwnTransaction("Purging expired records", session -> table.purge(session, limit));
  }

  @Override
  public Optional<Duration> purgeLag() {
    return Optional.of(inOwnTransaction("Looking for the oldest expired record", table::purgeLag));
  }

  @Override
  public Object purgeTarget() {
    DataSource dataSource = transactions.dataSource();
    return dataSource == null ? this : new PurgeTarget(dataSource, settings.table());
  }

  private <R> R inOwnTransaction(String what, LeasedCalls.Call<R> call) {
    return transactions.inTransaction(
        transaction -> {
          try {
            return call.on(new Session(transaction.connection(), Session.Mode.JOINED));
          } catch (SQLException e) {
            transaction.setRollbackOnly();
            throw Failures.inTransaction(what, e, table.isConflict(e));
          }
        });
  }
}
