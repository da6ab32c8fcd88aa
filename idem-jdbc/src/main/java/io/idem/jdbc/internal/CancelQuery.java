package io.idem.jdbc.internal;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * Cancels a statement of PostgreSQL's driver for a second time. {@link Statement#cancel()} of that
 * driver sends one cancellation for each execution, and does nothing afterwards, whatever became of
 * it. {@code PGConnection.cancelQuery()} always sends one.
 *
 * <p>It strikes whatever the connection does when it arrives: only for statements that cannot end,
 * for their owner, before it is through.
 */
final class CancelQuery {

  private static final String CONNECTION = "org.postgresql.PGConnection";

  private CancelQuery() {}

  /**
   * Sends a cancellation, as {@link Statement#cancel()} does where the driver is not to be found.
   *
   * @param statement the statement, perhaps that of a pool
   * @throws SQLException if the cancellation could not be sent
   */
  static void send(Statement statement) throws SQLException {
    Connection connection = statement.getConnection();
    Class<?> type = PostgresDriver.type(CONNECTION, statement.unwrap(Statement.class));
    if (type == null || !connection.isWrapperFor(type)) {
      statement.cancel();
      return;
    }
    try {
      Method cancelQuery = type.getMethod("cancelQuery");
      cancelQuery.invoke(connection.unwrap(type));
    } catch (InvocationTargetException e) {
      throw new SQLException("The driver did not send a second cancellation", e.getCause());
    } catch (ReflectiveOperationException e) { // a driver without it
      statement.cancel();
    }
  }
}
