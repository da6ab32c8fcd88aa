package io.idem.guard.jdbc;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;

/** A database with the tables that the guards of the tests work on, each test on its own rows. */
record TestDatabase(Backend backend, DataSource dataSource, AtomicLong lastId) {

  static TestDatabase of(Backend backend) {
    TestDatabase database = new TestDatabase(backend, backend.empty(), new AtomicLong());
    database.execute(
        "CREATE TABLE purchase (id BIGINT PRIMARY KEY, state VARCHAR(16), note VARCHAR(64),"
            + " amount DECIMAL(10, 2), changes INT DEFAULT 0 NOT NULL)");
    database.execute(
        "CREATE TABLE purchase_history (purchase BIGINT NOT NULL, entered VARCHAR(16) NOT NULL,"
            + " left_state VARCHAR(16), happened TIMESTAMP)");
    database.execute(
        "CREATE TABLE shipment (id VARCHAR(40) PRIMARY KEY, version BIGINT, status VARCHAR(16),"
            + " eta DATE, weight DECIMAL(10, 2))");
    database.execute(
        "CREATE TABLE invoice (id "
            + backend.identity()
            + ", tenant VARCHAR(16) NOT NULL, number VARCHAR(40) NOT NULL, amount DECIMAL(10, 2),"
            + " reference VARCHAR(40) UNIQUE, UNIQUE (tenant, number))");
    database.execute("CREATE TABLE account (id BIGINT PRIMARY KEY, balance BIGINT NOT NULL)");
    database.execute("CREATE TABLE idem_lock (slot INT PRIMARY KEY)");
    return database;
  }

  /** An id that no other test uses. */
  long nextId() {
    return lastId.incrementAndGet();
  }

  JdbcGuards guards() {
    return JdbcGuards.of(dataSource);
  }

  /** Fewer connections than callers. */
  HikariDataSource pool(int size) {
    HikariConfig config = new HikariConfig();
    config.setDataSource(dataSource);
    config.setMaximumPoolSize(size);
    config.setConnectionTimeout(Together.PATIENCE.toMillis());
    return new HikariDataSource(config);
  }

  /** H2 does not say who waits for an uncommitted row, but its statement goes on executing. */
  int waiting() {
    return number(
        switch (backend) {
          case H2 ->
              "SELECT count(*) FROM information_schema.sessions"
                  + " WHERE executing_statement LIKE 'INSERT %'"
                  + " OR executing_statement LIKE 'UPDATE %'"
                  + " OR executing_statement LIKE 'SELECT \"%FOR UPDATE%'";
          case POSTGRESQL ->
              "SELECT count(*) FROM pg_stat_activity"
                  + " WHERE datname = current_database() AND wait_event_type = 'Lock'";
          default -> "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'";
        });
  }

  void awaitWaiting() {
    Together.await("a caller waits for a lock", () -> waiting() > 0);
  }

  /** The session's own bound for lock waits. */
  String lockWait(Connection connection) {
    return text(
        connection,
        switch (backend) {
          case H2 -> "SELECT LOCK_TIMEOUT()";
          case POSTGRESQL -> "SHOW lock_timeout";
          default -> "SELECT @@SESSION.innodb_lock_wait_timeout";
        });
  }

  /** Sets the session's own bound: a second, or for this transaction on PostgreSQL. */
  void setLockWait(Connection connection) {
    execute(
        connection,
        switch (backend) {
          case H2 -> "SET LOCK_TIMEOUT 1000";
          case POSTGRESQL -> "SET LOCAL lock_timeout = '1s'";
          default -> "SET innodb_lock_wait_timeout = 1";
        });
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
      if (!result.next()) {
        throw new AssertionError("No row: " + sql);
      }
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

  /** What a caller does in a transaction of plain JDBC. */
  interface CallersWork<T> {
    T run(Connection connection) throws Exception;
  }

  <T> T committing(CallersWork<T> work) {
    return inTransaction(work, true);
  }

  <T> T rollingBack(CallersWork<T> work) {
    return inTransaction(work, false);
  }

  private <T> T inTransaction(CallersWork<T> work, boolean commit) {
    try (Connection connection = dataSource.getConnection()) {
      connection.setAutoCommit(false);
      boolean returned = false;
      try {
        T result = work.run(connection);
        returned = true;
        return result;
      } finally {
        if (commit && returned) {
          connection.commit();
        } else {
          connection.rollback();
        }
      }
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  /** Runs work again for as long as the database rolls it back because of a conflict. */
  static <T> T retrying(Callable<T> work) throws Exception {
    for (int tries = 1; ; tries++) {
      try {
        return work.call();
      } catch (GuardConflictException e) {
        if (tries == 100) {
          throw e;
        }
      }
    }
  }
}
