package io.idem.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.store.RecordId;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import io.idem.testkit.Together;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/** A database with the schema and a table of effects, and a look behind the stores' back. */
record TestDatabase(DataSource dataSource, Dialect dialect, JdbcSettings settings) {

  TestDatabase(DataSource dataSource, Dialect dialect) {
    this(dataSource, dialect, JdbcSettings.defaults());
  }

  static TestDatabase h2() {
    return Backend.H2.prepared();
  }

  static TestDatabase postgresql() {
    return Backend.POSTGRESQL.prepared();
  }

  /** A PostgreSQL whose connections bound the wait of claims. */
  static TestDatabase boundBySession(Duration lockTimeout) {
    TestDatabase database =
        new TestDatabase(
            Backend.POSTGRESQL.empty(),
            Dialect.POSTGRESQL,
            JdbcSettings.defaults().withLockWait(LockWait.OF_SESSION));
    database.setLockTimeout(lockTimeout);
    return database.prepared();
  }

  /** What connections opened from now on carry, on PostgreSQL. */
  void setLockTimeout(Duration lockTimeout) {
    execute(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = "
            + lockTimeout.toMillis()
            + "', current_database()); END $$");
  }

  /** A PostgreSQL whose table is partitioned, and that of keys without a time in several. */
  static TestDatabase partitioned(Partitioning partitioning) {
    return partitioned(partitioning, LockWait.BY_CLIENT);
  }

  /** The same with another bound of claims. */
  static TestDatabase partitioned(Partitioning partitioning, LockWait lockWait) {
    JdbcSettings settings =
        JdbcSettings.defaults().withPartitioning(partitioning).withLockWait(lockWait);
    TestDatabase database =
        new TestDatabase(Backend.POSTGRESQL.empty(), Dialect.POSTGRESQL, settings).prepared();
    database.execute("DROP TABLE idem_record_high");
    List<String> bounds = List.of("'03000000", "'40000000", "'80000000", "'c0000000", "MAXVALUE");
    for (int i = 0; i + 1 < bounds.size(); i++) {
      database.execute(
          "CREATE TABLE idem_record_high%d PARTITION OF idem_record FOR VALUES FROM (%s) TO (%s)"
              .formatted(i, bound(bounds.get(i)), bound(bounds.get(i + 1))));
    }
    return database;
  }

  private static String bound(String text) {
    return text.startsWith("'") ? text + "-0000-0000-0000-000000000000'" : text;
  }

  TestDatabase prepared() {
    new JdbcSchema(dataSource, dialect, settings).createIfAbsent();
    execute("CREATE TABLE effect (name VARCHAR(32) NOT NULL)");
    return this;
  }

  /** The same through a pool: for many calls, each of which would open a connection of its own. */
  TestDatabase pooled() {
    HikariConfig config = new HikariConfig();
    config.setDataSource(dataSource);
    config.setMinimumIdle(0);
    config.setMaximumPoolSize(50);
    config.setConnectionTimeout(Together.PATIENCE.toMillis());
    return new TestDatabase(new HikariDataSource(config), dialect, settings);
  }

  /** Closes the pool, if it has one. */
  void close() {
    if (dataSource instanceof HikariDataSource pool) {
      pool.close();
    }
  }

  JdbcIdempotencyStore leased() {
    return leased(dataSource);
  }

  JdbcIdempotencyStore leased(DataSource connections) {
    return new JdbcIdempotencyStore(connections, dialect, settings);
  }

  JdbcTransactionalStore transactional() {
    return transactional(dataSource);
  }

  JdbcTransactionalStore transactional(DataSource connections) {
    return new JdbcTransactionalStore(JdbcTransactions.of(connections), dialect, settings);
  }

  /** Connections as a pool gives them, none of them with autocommit as it is by default. */
  CountingDataSource counting(int limit, boolean autoCommit) {
    return new CountingDataSource(dataSource, limit, autoCommit);
  }

  void age(RecordId id, Duration by) {
    try (Connection connection = dataSource.getConnection();
        PreparedStatement statement =
            connection.prepareStatement(
                "UPDATE idem_record SET lease_until = lease_until - ?,"
                    + " expires_at = expires_at - ?, created_at = created_at - ? WHERE id = ?")) {
      statement.setLong(1, by.toMillis());
      statement.setLong(2, by.toMillis());
      statement.setLong(3, by.toMillis());
      statement.setObject(4, key(id));
      if (statement.executeUpdate() != 1) {
        throw new AssertionError("No record " + id);
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private Object key(RecordId id) {
    if (dialect != Dialect.POSTGRESQL) {
      return id.toBytes();
    }
    ByteBuffer bytes = ByteBuffer.wrap(id.toBytes());
    return new UUID(bytes.getLong(), bytes.getLong());
  }

  void write(TransactionScope scope, RecordId name) {
    try (PreparedStatement statement =
        scope.unwrap(Connection.class).prepareStatement("INSERT INTO effect VALUES (?)")) {
      statement.setString(1, name.toString());
      statement.executeUpdate();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  int effects(RecordId name) {
    return number("SELECT count(*) FROM effect WHERE name = '" + name + "'");
  }

  /** H2 does not say who waits for an uncommitted key, but its statement goes on executing. */
  int waiting() {
    return switch (dialect) {
      case H2 ->
          number(
              "SELECT count(*) FROM information_schema.sessions"
                  + " WHERE executing_statement LIKE 'INSERT INTO idem%'"
                  + " OR executing_statement LIKE 'UPDATE idem%'");
      case POSTGRESQL ->
          number(
              "SELECT count(*) FROM pg_stat_activity"
                  + " WHERE datname = current_database() AND wait_event_type = 'Lock'");
      case MARIADB, MYSQL -> waitingOnInnoDb();
    };
  }

  /**
   * What waits in this database: the counters of the server would count what other tests wait for,
   * and the tables of locks are cached for as long as they are asked again and again.
   */
  private int waitingOnInnoDb() {
    try (Connection connection = dataSource.getConnection()) {
      return (int)
          Pattern.compile(
                  "TRX HAS BEEN WAITING .*\\R.* of table `" + connection.getCatalog() + "`\\.")
              .matcher(text(connection, "SHOW ENGINE INNODB STATUS"))
              .results()
              .count();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** Which PostgreSQL it is, for tests of what older ones do not have. */
  boolean isAtLeast(int major) {
    try (Connection connection = dataSource.getConnection()) {
      return connection.getMetaData().getDatabaseMajorVersion() >= major;
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  int number(String sql) {
    return Integer.parseInt(text(sql));
  }

  String text(String sql) {
    try (Connection connection = dataSource.getConnection()) {
      return text(connection, sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  static String text(Connection connection, String sql) {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      // SHOW answers with the name first.
      return result.getString(result.getMetaData().getColumnCount());
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  void execute(String sql) {
    try (Connection connection = dataSource.getConnection()) {
      execute(connection, sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  static void execute(Connection connection, String sql) {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  TransactionalStore joining(Connection connection) {
    return new JdbcTransactionalStore(JdbcTransactions.joining(connection), dialect, settings);
  }

  /** Runs work in a transaction of plain JDBC, which is committed if the work says so. */
  void inTransaction(Predicate<Connection> work) {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      boolean commit = false;
      try {
        commit = work.test(connection);
      } finally {
        if (commit) {
          connection.commit();
        } else {
          connection.rollback();
        }
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
