package io.idem.spring.boot;

import io.idem.jdbc.LockWait;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** The properties {@code idem.jdbc.*}. */
public class IdemJdbcProperties {

  /** The records' table, optionally after its schema and a dot. */
  private String table = "idem_record"; // a literal, for the metadata

  /** When the table is created at start-up. If not, it has to be there. */
  private InitializeSchema initializeSchema = InitializeSchema.EMBEDDED;

  /** The name of the DataSource bean that holds the records, where there are several. */
  private @Nullable String dataSource;

  /** The name of the transaction manager bean of that DataSource, where there are several. */
  private @Nullable String transactionManager;

  /**
   * On PostgreSQL, how much of the time inside UUIDv7 and ULID keys a partition of the table holds.
   * Zero: the table is not partitioned.
   */
  private Duration partitionWidth = Duration.ZERO;

  /** How many partitions are made ahead of the keys to come. */
  private int partitionsAhead = 3;

  /**
   * Who bounds how long a claim waits for a rival: on PostgreSQL the store, which cancels the
   * claim, or the lock_timeout that the connections carry; elsewhere, or if wanted, each claim
   * itself.
   */
  private LockWait lockWait = LockWait.BY_CLIENT;

  /** Creates the properties with their defaults. */
  public IdemJdbcProperties() {}

  /**
   * The records' table.
   *
   * @return the name
   */
  public String getTable() {
    return table;
  }

  /**
   * Sets the records' table.
   *
   * @param table a plain identifier, optionally after its schema and a dot
   */
  public void setTable(String table) {
    this.table = table;
  }

  /**
   * When the table is created at start-up.
   *
   * @return in embedded databases by default
   */
  public InitializeSchema getInitializeSchema() {
    return initializeSchema;
  }

  /**
   * Sets when the table is created at start-up.
   *
   * @param initializeSchema always, never, or in embedded databases
   */
  public void setInitializeSchema(InitializeSchema initializeSchema) {
    this.initializeSchema = initializeSchema;
  }

  /**
   * The name of the DataSource bean that holds the records.
   *
   * @return the name, or null for the only or primary one
   */
  public @Nullable String getDataSource() {
    return dataSource;
  }

  /**
   * Sets the DataSource bean that holds the records.
   *
   * @param dataSource the name of the bean
   */
  public void setDataSource(@Nullable String dataSource) {
    this.dataSource = dataSource;
  }

  /**
   * The name of the transaction manager bean.
   *
   * @return the name, or null for the one that works on the DataSource
   */
  public @Nullable String getTransactionManager() {
    return transactionManager;
  }

  /**
   * Sets the transaction manager bean.
   *
   * @param transactionManager the name of the bean
   */
  public void setTransactionManager(@Nullable String transactionManager) {
    this.transactionManager = transactionManager;
  }

  /**
   * How much of the keys' time a partition holds.
   *
   * @return zero if the table is not partitioned
   */
  public Duration getPartitionWidth() {
    return partitionWidth;
  }

  /**
   * Sets how much of the keys' time a partition holds.
   *
   * @param partitionWidth at least 65.536 seconds; zero for a plain table
   */
  public void setPartitionWidth(Duration partitionWidth) {
    this.partitionWidth = partitionWidth;
  }

  /**
   * How many partitions are made ahead of the keys to come.
   *
   * @return 3 by default
   */
  public int getPartitionsAhead() {
    return partitionsAhead;
  }

  /**
   * Sets how many partitions are made ahead of the keys to come.
   *
   * @param partitionsAhead 1 to 100
   */
  public void setPartitionsAhead(int partitionsAhead) {
    this.partitionsAhead = partitionsAhead;
  }

  /**
   * Who bounds how long a claim waits for a rival.
   *
   * @return the store by default, as far as the database lets it
   */
  public LockWait getLockWait() {
    return lockWait;
  }

  /**
   * Sets who bounds how long a claim waits for a rival.
   *
   * @param lockWait each claim itself or, on PostgreSQL, the store or the connection
   */
  public void setLockWait(LockWait lockWait) {
    this.lockWait = lockWait;
  }

  /**
   * When the table is created at start-up. Of its own, because spring-boot-sql need not be there.
   */
  public enum InitializeSchema {
    /** In an embedded database, which starts empty. */
    EMBEDDED,
    /** Wherever it is not there. */
    ALWAYS,
    /** Never: it has to be there. */
    NEVER
  }
}
