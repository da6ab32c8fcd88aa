package io.idem.jdbc;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.DialectSpec;
import io.idem.jdbc.internal.Failures;
import io.idem.jdbc.internal.PartitionedTable;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The purge of a partitioned table: first whole partitions, then rows.
 *
 * <p>Each step is a transaction of its own. A lock that cannot be had at once is left for a while,
 * because every try lets claims queue up. Thread-safe.
 */
final class PartitionedPurge {

  private static final Logger log = LoggerFactory.getLogger(PartitionedPurge.class);
  private static final long BUSY_NANOS = 1_000_000_000L;
  private static final long FAILED_NANOS = 60_000_000_000L;

  private final JdbcTransactions transactions;
  private final PartitionedTable table;
  private final String name;

  /** When partitions are changed again. */
  private final AtomicLong upkeepAt = new AtomicLong(System.nanoTime());

  private PartitionedPurge(JdbcTransactions transactions, PartitionedTable table, String name) {
    this.transactions = transactions;
    this.table = table;
    this.name = name;
  }

  /** Null if the table is not partitioned. */
  static @Nullable PartitionedPurge of(
      JdbcTransactions transactions, Dialect dialect, JdbcSettings settings) {
    Partitioning partitioning = settings.partitioning();
    if (partitioning == null) {
      return null;
    }
    DialectSpec spec = dialect.spec();
    return new PartitionedPurge(
        transactions,
        new PartitionedTable(
            spec,
            settings.tableName(),
            partitioning.width(),
            partitioning.ahead(),
            settings.queryTimeout()),
        settings.table());
  }

  /** Makes the partitions of the keys to come, unless that has to wait. */
  void createAhead() {
    upkeep("made", connection -> table.createAhead(connection), 0);
  }

  /** How many records are gone: with partitions possibly more than the limit. */
  int purge(int limit) {
    createAhead();
    long gone = 0;
    long dropped;
    do {
      dropped = upkeep("dropped", table::dropPast, -1);
      gone += Math.max(0, dropped);
    } while (dropped >= 0);
    if (gone < limit) {
      int left = (int) (limit - gone);
      gone += inTransaction(connection -> (long) table.purgeOldest(connection, left), 0);
    }
    return (int) Math.min(gone, Integer.MAX_VALUE);
  }

  private long upkeep(String what, Step step, long otherwise) {
    if (System.nanoTime() - upkeepAt.get() < 0) {
      return otherwise;
    }
    try {
      return inTransaction(step, otherwise);
    } catch (StoreUnavailableException e) {
      // Rows can still be deleted, and keys without a partition have a place.
      upkeepAt.set(System.nanoTime() + FAILED_NANOS);
      log.warn(
          "Partitions of {} could not be {}; trying again in a minute. The database user has to own"
              + " the table, to be allowed to create tables, and nothing may depend on a partition",
          name,
          what,
          e);
      return otherwise;
    }
  }

  private long inTransaction(Step step, long otherwise) {
    return transactions.inTransaction(
        transaction -> {
          if (transaction.isJoined()) {
            throw new IllegalStateException(
                "A partitioned table is purged in transactions of its own, and this thread runs in"
                    + " one already");
          }
          try {
            return step.on(transaction.connection());
          } catch (SQLException e) {
            transaction.setRollbackOnly();
            if (!table.isBusy(e)) {
              throw Failures.unavailable("Purging the partitioned table " + name, e);
            }
            upkeepAt.set(System.nanoTime() + BUSY_NANOS);
            return otherwise;
          }
        });
  }

  @FunctionalInterface
  private interface Step {
    long on(Connection connection) throws SQLException;
  }
}
