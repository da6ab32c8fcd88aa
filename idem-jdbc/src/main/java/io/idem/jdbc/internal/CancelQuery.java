package io.idem.jdbc.internal;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * Cancels a statement of PostgreSQL's driver for a second time. {@link Statement#cancel()} of that
 * driver sends one cancellation for each execution, and does nothing afterwards, whatever became of
 * it. {@code PGConnection.cancelQuery()} always sends one.
 *
 * <p>It strikes whatever the connection does when it arrives: only for statements that cannot end,
 * for their owner, before it is through. The driver need not be there, and is looked for by name;
 * that is rare enough to be done each time, and so no class of an application is kept.
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
    Class<?> type = typeFor(statement);
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

  /** The driver's own type: it may be loaded by the application's loader, and this by another. */
  private static @Nullable Class<?> typeFor(Statement statement) throws SQLException {
    Class<?> own = type(statement.unwrap(Statement.class).getClass().getClassLoader());
    return own != null ? own : type(CancelQuery.class.getClassLoader());
  }

  private static @Nullable Class<?> type(@Nullable ClassLoader loader) {
    try {
      return Class.forName(CONNECTION, false, loader);
    } catch (ClassNotFoundException | LinkageError e) {
      return null;
    }
  }
}
