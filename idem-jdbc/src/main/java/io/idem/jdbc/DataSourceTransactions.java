package io.idem.jdbc;

import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.StoreConflictException;
import io.idem.jdbc.internal.FailedTransaction;
import io.idem.jdbc.internal.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Transactions of Idem's own, each on a connection borrowed for it. */
final class DataSourceTransactions implements JdbcTransactions {

  private final DataSource dataSource;

  DataSourceTransactions(DataSource dataSource) {
    this.dataSource = dataSource;
  }

  @Override
  public DataSource dataSource() {
    return dataSource;
  }

  @Override
  public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
      throws X {
    Connection connection = borrow();
    boolean autoCommit = begin(connection);
    boolean ended = false;
    try {
      MarkedTransaction transaction = new MarkedTransaction(connection, false);
      R result;
      try {
        result = work.run(transaction);
      } catch (Throwable e) {
        ended = Failures.rollback(connection, e);
        throw e;
      }
      try {
        end(connection, transaction);
        ended = true;
      } catch (CommitRefusedException | StoreConflictException e) { // which are certain
        ended = Failures.rollback(connection, e);
        throw e;
      }
      return result;
    } finally {
      Failures.giveBack(connection, ended, autoCommit);
    }
  }

  private Connection borrow() {
    try {
      return dataSource.getConnection();
    } catch (SQLException e) {
      throw Failures.unavailable("Getting a connection for a transaction", e);
    }
  }

  /** Answers what autocommit was. */
  private static boolean begin(Connection connection) {
    try {
      boolean autoCommit = connection.getAutoCommit();
      if (autoCommit) {
        connection.setAutoCommit(false);
      }
      return autoCommit;
    } catch (SQLException e) {
      Failures.giveBack(connection, false, false);
      throw Failures.unavailable("Beginning a transaction", e);
    }
  }

  private static void end(Connection connection, MarkedTransaction transaction) {
    if (transaction.isRollbackOnly()) {
      try {
        connection.rollback();
      } catch (SQLException e) {
        throw Failures.unavailable("Rolling a transaction back", e);
      }
      return;
    }
    try {
      if (!transaction.isCommitted()) {
        FailedTransaction.refuse(connection);
      }
      connection.commit();
    } catch (SQLException e) {
      throw Failures.ofCommit("Committing a transaction", e);
    }
  }
}
