package io.idem.guard.jdbc;

import io.idem.guard.jdbc.DatabaseSpec.LockWait;
import io.idem.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How every guard speaks with the database: on the connection of its caller's transaction.
 *
 * @param transactions whose transaction that is
 * @param spec which database it is
 * @param identifiers how names are written there
 * @param ownOnly whether each call begins and ends a transaction of its own on a plain data source
 */
record Calls(
    JdbcTransactions transactions, DatabaseSpec spec, Identifiers identifiers, boolean ownOnly) {

  /** The same on the connection of a caller of plain JDBC. */
  Calls on(Connection connection) {
    return new Calls(new CallersConnection(connection), spec, identifiers, false);
  }

  /** Runs statements in the caller's transaction; an error is told by what was tried. */
  <R extends @Nullable Object> R call(String what, SqlWork<Connection, R> work) {
    return transactions.<R, RuntimeException>inTransaction(
        transaction -> {
          transaction.flush();
          return told(what, transaction.connection(), work);
        });
  }

  /** Runs statements of a transaction that is running. */
  <R extends @Nullable Object> R told(
      String what, Connection connection, SqlWork<Connection, R> work) {
    try {
      return work.apply(connection);
    } catch (SQLException e) {
      throw spec.failure(what, e);
    }
  }

  static int update(Connection connection, String sql, Collection<?> values) throws SQLException {
    try (PreparedStatement statement = prepared(connection, sql, values)) {
      return statement.executeUpdate();
    }
  }

  static <R extends @Nullable Object> R query(
      Connection connection, String sql, Collection<?> values, SqlWork<ResultSet, R> reader)
      throws SQLException {
    try (PreparedStatement statement = prepared(connection, sql, values);
        ResultSet rows = statement.executeQuery()) {
      return reader.apply(rows);
    }
  }

  private static PreparedStatement prepared(Connection connection, String sql, Collection<?> values)
      throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    try {
      int at = 0;
      for (Object value : values) {
        statement.setObject(++at, value);
      }
      return statement;
    } catch (SQLException | RuntimeException e) {
      statement.close();
      throw e;
    }
  }

  /**
   * Runs statements that wait for a lock no longer than they are told, and sets the session's own
   * bound back before anything else runs.
   *
   * @return what they answered; null if the wait was in vain, and the transaction is as it was
   */
  <R> @Nullable R waiting(Connection connection, Duration wait, SqlWork<Connection, R> work)
      throws SQLException {
    LockWait setting = spec.lockWait();
    String get = setting.get();
    List<Object> before = get == null ? List.of() : query(connection, get, List.of(), Calls::one);
    R result;
    try {
      begin(connection, setting, wait);
      result = work.apply(connection);
    } catch (SQLException | RuntimeException | Error e) {
      undo(connection, setting, before, e);
      if (e instanceof SQLException failure && spec.errors().lockTimeout(failure)) {
        requireTransaction(connection, failure);
        return null;
      }
      throw e;
    }
    run(connection, setting.restore(), before);
    return result;
  }

  private static void begin(Connection connection, LockWait setting, Duration wait)
      throws SQLException {
    long unit = setting.millisPerUnit();
    long units = (Math.max(1, wait.toMillis()) + unit - 1) / unit;
    run(connection, setting.set(), List.of(units));
  }

  /** Refuses what no database can be told. */
  static void requireWait(Duration wait) {
    if (wait.isNegative() || wait.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("The wait must be between zero and an hour, not " + wait);
    }
  }

  private static List<Object> one(ResultSet rows) throws SQLException {
    rows.next();
    return List.of(rows.getObject(1));
  }

  private static void undo(
      Connection connection, LockWait setting, List<Object> before, Throwable cause) {
    String undo = setting.undo();
    try {
      run(connection, undo == null ? setting.restore() : undo, before);
    } catch (SQLException e) {
      // The connection is gone, and its session with it.
      cause.addSuppressed(e);
    }
  }

  /** A busy answer promises that the transaction goes on. */
  void requireTransaction(Connection connection, SQLException timeout) throws SQLException {
    String question = spec.errors().timeoutRollsBack();
    if (question != null && query(connection, question, List.of(), Calls::isOne)) {
      throw new GuardConflictException(
          "A wait for a lock ended, and the server rolled the whole transaction back, as"
              + " innodb_rollback_on_timeout demands",
          timeout);
    }
  }

  private static boolean isOne(ResultSet rows) throws SQLException {
    return rows.next() && rows.getInt(1) == 1;
  }

  /** Several statements may stand in one text, with results that nobody looks at. */
  private static void run(Connection connection, String sql, Collection<?> values)
      throws SQLException {
    if (values.isEmpty()) {
      try (Statement statement = connection.createStatement()) {
        statement.execute(sql);
      }
    } else {
      try (PreparedStatement statement = prepared(connection, sql, values)) {
        statement.execute();
      }
    }
  }
}
