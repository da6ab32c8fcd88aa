package io.idem.jdbc;

import io.idem.jdbc.internal.TableName;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How records are kept, the same for every dialect. Immutable.
 *
 * @param table the records' table, optionally after its schema and a dot; plain identifiers only
 * @param storeLabels whether rows keep the readable parts of their key for operators. Rows of
 *     operations without an answer, which are claimed and completed in one step, never do
 * @param queryTimeout how long a statement may take beyond its wait for a rival; zero for no limit.
 *     It needs a server that still reads: against a network that is gone, set the driver's socket
 *     timeout as well
 * @param partitioning how the table is partitioned, on PostgreSQL only; null for a plain table. The
 *     table must have been made accordingly
 * @param lockWait who bounds how long a claim waits for a rival
 */
public record JdbcSettings(
    String table,
    boolean storeLabels,
    Duration queryTimeout,
    @Nullable Partitioning partitioning,
    LockWait lockWait) {

  /** The default table. */
  public static final String DEFAULT_TABLE = "idem_record";

  /** The default limit of a statement. */
  public static final Duration DEFAULT_QUERY_TIMEOUT = Duration.ofSeconds(5);

  /**
   * Checks the settings.
   *
   * @param table the records' table
   * @param storeLabels whether rows keep the readable parts of their key
   * @param queryTimeout how long a statement may take beyond its wait for a rival
   * @param partitioning how the table is partitioned; null for a plain table
   * @param lockWait who bounds how long a claim waits for a rival
   * @throws IllegalArgumentException if the table is no plain identifier or the timeout is negative
   */
  public JdbcSettings {
    TableName.ofRecords(table);
    if (queryTimeout.isNegative()) {
      throw new IllegalArgumentException(
          "The query timeout must not be negative, but is " + queryTimeout);
    }
  }

  /**
   * The plain table {@value #DEFAULT_TABLE}, with labels, five seconds for a statement, and claims
   * that bound their own wait.
   *
   * @return the settings
   */
  public static JdbcSettings defaults() {
    return new JdbcSettings(DEFAULT_TABLE, true, DEFAULT_QUERY_TIMEOUT, null, LockWait.BY_CLIENT);
  }

  /**
   * The same settings with another table.
   *
   * @param table the records' table
   * @return a copy
   */
  public JdbcSettings withTable(String table) {
    return new JdbcSettings(table, storeLabels, queryTimeout, partitioning, lockWait);
  }

  /**
   * The same settings with or without labels.
   *
   * @param storeLabels whether rows keep the readable parts of their key
   * @return a copy
   */
  public JdbcSettings withStoreLabels(boolean storeLabels) {
    return new JdbcSettings(table, storeLabels, queryTimeout, partitioning, lockWait);
  }

  /**
   * The same settings with another limit for a statement.
   *
   * @param queryTimeout how long a statement may take beyond its wait for a rival
   * @return a copy
   */
  public JdbcSettings withQueryTimeout(Duration queryTimeout) {
    return new JdbcSettings(table, storeLabels, queryTimeout, partitioning, lockWait);
  }

  /**
   * The same settings with a partitioned table.
   *
   * @param partitioning how the table is partitioned; null for a plain table
   * @return a copy
   */
  public JdbcSettings withPartitioning(@Nullable Partitioning partitioning) {
    return new JdbcSettings(table, storeLabels, queryTimeout, partitioning, lockWait);
  }

  /**
   * The same settings with another bound for the wait of a claim.
   *
   * @param lockWait who bounds it; {@link LockWait#OF_SESSION} on PostgreSQL only
   * @return a copy
   */
  public JdbcSettings withLockWait(LockWait lockWait) {
    return new JdbcSettings(table, storeLabels, queryTimeout, partitioning, lockWait);
  }

  TableName tableName() {
    return new TableName(table);
  }
}
