package io.idem.jdbc.internal;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * Transactions of PostgreSQL of which a statement has failed, and whose work went on. A commit of
 * such a one rolls it back, and the driver says nothing.
 *
 * <p>The driver knows which these are; where a pool does not give it away the server is asked.
 */
public final class FailedTransaction {

  /** What PostgreSQL answers to every statement of such a transaction. */
  static final String STATE = "25P02";

  private static final String CONNECTION = "org.postgresql.core.BaseConnection";
  private static final String FAILED = "FAILED";
  private static final String NONE = "IDLE";

  private FailedTransaction() {}

  /**
   * Refuses to commit a transaction that would be rolled back instead.
   *
   * @param connection where it runs, with autocommit off
   * @throws SQLException 25P02 if it has failed; anything else if the database fails
   */
  public static void refuse(Connection connection) throws SQLException {
    if (!DialectSpec.POSTGRESQL
        .product()
        .equals(connection.getMetaData().getDatabaseProductName())) {
      return;
    }
    String state = stateByDriver(connection);
    if (state == null) {
      try (Statement statement = connection.createStatement();
          ResultSet answer = statement.executeQuery("SELECT 1")) {
        answer.next();
      }
    } else if (state.equals(FAILED)) {
      throw new SQLException(
          "A statement of the transaction has failed, and its work went on. PostgreSQL rolls such a"
              + " transaction back: let the work throw what it has caught, or set a savepoint before"
              + " what may fail",
          STATE);
    }
  }

  /**
   * Whether the driver knows that no transaction is open: none is begun yet, or it has ended.
   *
   * @param connection the connection
   * @return false if one is open, or the driver cannot be asked
   */
  public static boolean isNone(Connection connection) {
    return NONE.equals(stateByDriver(connection));
  }

  /**
   * Whether the driver knows that a transaction is open, failed or not.
   *
   * @param connection the connection
   * @return false if there is none, or the driver cannot be asked
   */
  public static boolean isOpen(Connection connection) {
    String state = stateByDriver(connection);
    return state != null && !state.equals(NONE);
  }

  /** What the driver takes the transaction for; null if it cannot be asked. */
  private static @Nullable String stateByDriver(Connection connection) {
    try {
      Class<?> type = PostgresDriver.type(CONNECTION, connection.unwrap(Connection.class));
      if (type == null || !connection.isWrapperFor(type)) {
        return null;
      }
      Object state = type.getMethod("getTransactionState").invoke(connection.unwrap(type));
      return String.valueOf(state);
    } catch (SQLException | RuntimeException | ReflectiveOperationException | LinkageError e) {
      return null; // another driver, or a pool that gives nothing away
    }
  }
}
