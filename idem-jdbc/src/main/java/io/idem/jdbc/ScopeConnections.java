package io.idem.jdbc;

import io.idem.jdbc.internal.Failures;
import java.sql.Connection;
import java.sql.SQLException;

/** What scopes of transactions ask of their connection. */
final class ScopeConnections {

  private ScopeConnections() {}

  /** Refuses a connection that has no transaction. */
  static void requireTransaction(Connection connection) {
    try {
      if (connection.getAutoCommit()) {
        throw new IllegalStateException(
            "The connection is in autocommit mode, so it has no transaction:"
                + " is it the one that the transaction manager manages?");
      }
    } catch (SQLException e) {
      throw Failures.unavailable("Looking at the connection of a transaction", e);
    }
  }

  /** The connection as what a caller asks for. */
  static <C> C unwrap(Connection connection, Class<C> type) {
    try {
      if (type.isInstance(connection)) {
        return type.cast(connection);
      }
      if (connection.isWrapperFor(type)) {
        return connection.unwrap(type);
      }
    } catch (SQLException e) {
      throw Failures.unavailable("Unwrapping the connection of a transaction", e);
    }
    throw new IllegalArgumentException(
        "The transaction runs on a java.sql.Connection, which is no " + type.getName());
  }
}
