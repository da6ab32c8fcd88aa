package io.idem.jdbc;

import io.idem.core.store.CommitRefusedException;
import io.idem.jdbc.internal.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import org.jspecify.annotations.Nullable;

/** The transaction of a caller of plain JDBC, joined behind a savepoint. */
final class JoinedConnection implements JdbcTransactions {

  private final Connection connection;

  JoinedConnection(Connection connection) {
    this.connection = connection;
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    Savepoint savepoint = savepoint();
    MarkedTransaction transaction = new MarkedTransaction(connection, true);
    R result;
    try {
      result = work.run(transaction);
    } catch (Throwable e) {
      undo(savepoint, e);
      throw e;
    }
    try {
      end(savepoint, transaction.isRollbackOnly());
    } catch (CommitRefusedException e) {
      undo(savepoint, e);
      throw e;
    }
    return result;
  }

  private void undo(Savepoint savepoint, Throwable cause) {
    try {
      connection.rollback(savepoint);
    } catch (SQLException e) {
      // The database rolled the whole transaction back already, or the connection is gone.
      cause.addSuppressed(e);
    }
  }

  private Savepoint savepoint() {
    try {
      if (connection.getAutoCommit()) {
        throw new IllegalStateException(
            "The connection to be joined is in autocommit mode, so it has no transaction:"
                + " setAutoCommit(false) first");
      }
      return connection.setSavepoint();
    } catch (SQLException e) {
      throw Failures.unavailable("Setting a savepoint in the transaction to be joined", e);
    }
  }

  private void end(Savepoint savepoint, boolean rollback) {
    try {
      if (rollback) {
        connection.rollback(savepoint);
      } else {
        connection.releaseSavepoint(savepoint);
      }
    } catch (SQLException e) {
      if (Failures.isAborted(e)) {
        throw Failures.refused("Ending the work in a joined transaction", e);
      }
      throw Failures.inTransaction(
          "Ending the work in a joined transaction, which must be rolled back",
          e,
          Failures.isRollback(e));
    }
  }
}
