package io.idem.guard.jdbc;

import io.idem.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The transaction of a caller of plain JDBC. Unlike {@link JdbcTransactions#joining}, it takes no
 * savepoint around each call: guards write nothing that has to be undone apart from the rest.
 */
record CallersConnection(Connection connection) implements JdbcTransactions {

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    try {
      if (connection.getAutoCommit()) {
        throw new IllegalStateException(
            "The connection is in autocommit mode, so it has no transaction to guard:"
                + " setAutoCommit(false) first");
      }
    } catch (SQLException e) {
      throw new GuardException("Asking a connection for its transaction: " + e.getMessage(), e);
    }
    return work.run(new Running(connection));
  }

  private record Running(Connection connection) implements Transaction {

    @Override
    public boolean isJoined() {
      return true;
    }

    @Override
    public void setRollbackOnly() {
      throw new UnsupportedOperationException("Plain JDBC has no mark that keeps from committing");
    }

    @Override
    public boolean isRollbackOnly() {
      return false;
    }
  }
}
