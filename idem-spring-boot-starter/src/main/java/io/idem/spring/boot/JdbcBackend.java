package io.idem.spring.boot;

import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.LockWait;
import io.idem.jdbc.Partitioning;
import io.idem.spring.IdempotencySetupException;
import java.util.Map;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.jdbc.EmbeddedDatabaseConnection;
import org.springframework.transaction.PlatformTransactionManager;

/** The database of the records, with its table checked. */
record JdbcBackend(DataSource dataSource, Dialect dialect, JdbcSettings settings)
    implements StoreBackend {

  static JdbcBackend find(IdemJdbcProperties properties, ListableBeanFactory beans) {
    return find(properties, "idem.jdbc.data-source", properties.getDataSource(), beans);
  }

  /**
   * The database of one of several stores.
   *
   * @param property what names its DataSource
   * @param name the name; null for the DataSource of {@code idem.jdbc}
   */
  static JdbcBackend find(
      IdemJdbcProperties properties,
      String property,
      @Nullable String name,
      ListableBeanFactory beans) {
    DataSource dataSource =
        name == null
            ? dataSource("idem.jdbc.data-source", properties.getDataSource(), beans)
            : dataSource(property, name, beans);
    JdbcSettings settings;
    Dialect dialect;
    try {
      settings =
          JdbcSettings.defaults()
              .withTable(properties.getTable())
              .withLockWait(properties.getLockWait());
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "idem.jdbc.table is '" + properties.getTable() + "', which is no plain identifier.",
          "Name the table, optionally after its schema and a dot.",
          e);
    }
    if (!properties.getPartitionWidth().isZero()) {
      try {
        settings =
            settings.withPartitioning(
                new Partitioning(properties.getPartitionWidth(), properties.getPartitionsAhead()));
      } catch (IllegalArgumentException e) {
        throw new IdempotencySetupException(
            e.getMessage() + ".",
            "Correct idem.jdbc.partition-width or idem.jdbc.partitions-ahead.",
            e);
      }
    }
    try {
      dialect = Dialect.of(dataSource);
    } catch (IllegalStateException e) {
      throw new IdempotencySetupException(
          e.getMessage() + ".",
          "Set idem.store=memory, or declare a bean of type IdempotencyStore.",
          e);
    }
    if (settings.partitioning() != null && dialect != Dialect.POSTGRESQL) {
      throw new IdempotencySetupException(
          "idem.jdbc.partition-width is set, and tables are partitioned on PostgreSQL only: the"
              + " database is "
              + dialect
              + ".",
          "Remove idem.jdbc.partition-width.",
          null);
    }
    if (settings.lockWait() == LockWait.OF_SESSION && dialect != Dialect.POSTGRESQL) {
      throw new IdempotencySetupException(
          "idem.jdbc.lock-wait is of-session, and connections bound the wait of claims on"
              + " PostgreSQL only: the database is "
              + dialect
              + ".",
          "Remove idem.jdbc.lock-wait.",
          null);
    }
    JdbcBackend backend = new JdbcBackend(dataSource, dialect, settings);
    backend.prepareSchema(properties.getInitializeSchema());
    return backend;
  }

  private void prepareSchema(IdemJdbcProperties.InitializeSchema mode) {
    try {
      if (mode == IdemJdbcProperties.InitializeSchema.ALWAYS
          || (mode == IdemJdbcProperties.InitializeSchema.EMBEDDED
              && EmbeddedDatabaseConnection.isEmbedded(dataSource))) {
        schema().createIfAbsent();
      } else {
        check();
      }
    } catch (IllegalStateException e) {
      throw new IdempotencySetupException(
          e.getMessage() + ".",
          "With Spring Boot, idem.jdbc.initialize-schema=always lets Idem create a missing table,"
              + " idem.jdbc.table names one that is called otherwise, and idem.jdbc.partition-width"
              + " says that it is partitioned. idem.jdbc.lock-wait=of-session wants connections"
              + " with a lock_timeout, which spring.datasource.hikari.connection-init-sql can set.",
          e);
    }
  }

  JdbcSchema schema() {
    return new JdbcSchema(dataSource, dialect, settings);
  }

  private static DataSource dataSource(
      String property, @Nullable String name, ListableBeanFactory beans) {
    return Databases.dataSource(
        beans,
        property,
        name,
        "Name the one that holds the data of the idempotent operations with"
            + " idem.jdbc.data-source, or set idem.store=memory.");
  }

  /** Whether the application writes to another database unless it says otherwise. */
  boolean isApart(ListableBeanFactory beans) {
    DataSource primary = beans.getBeanProvider(DataSource.class).getIfUnique();
    return primary != null && Databases.unwrapped(primary) != dataSource;
  }

  static PlatformTransactionManager transactionManager(
      IdemJdbcProperties properties, DataSource dataSource, ListableBeanFactory beans) {
    if (properties.getTransactionManager() != null) {
      return NamedBeans.get(
          beans,
          PlatformTransactionManager.class,
          "idem.jdbc.transaction-manager",
          properties.getTransactionManager());
    }
    return Databases.transactionManager(
        beans,
        dataSource,
        "Idem's records",
        "Name the one that the idempotent operations run in with idem.jdbc.transaction-manager, and"
            + " its DataSource with idem.jdbc.data-source.");
  }

  @Override
  public Map<String, Object> details() {
    return Map.of("database", dialect, "table", settings.table());
  }

  @Override
  public void check() {
    schema().check();
  }
}
