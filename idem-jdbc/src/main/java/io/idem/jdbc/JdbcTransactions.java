package io.idem.jdbc;

import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.internal.FailedTransaction;
import io.idem.jdbc.internal.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * How a transaction is run: who begins it, who commits it, and on which connection.
 *
 * <p>The seam for frameworks that manage transactions. What an implementation owes:
 *
 * <ol>
 *   <li>The work runs once, on the calling thread, on the connection of the caller's transaction
 *       where there is one, else on one of its own. Never on a second one.
 *   <li>A transaction of its own is committed when the work returns and rolled back when it throws
 *       or {@link Transaction#setRollbackOnly()} was called. A joined one is left to its owner, and
 *       in these two cases marked so that its owner cannot commit what the work wrote.
 *   <li>A transaction is not told to be committed that the database rolls back instead: see {@link
 *       #requireCommittable}.
 * </ol>
 */
public interface JdbcTransactions {

  /**
   * Runs work in the caller's transaction where one is active, else in a new one.
   *
   * @param work what to run
   * @param <R> what it returns
   * @param <X> what it throws
   * @return what the work returned, after the commit
   * @throws X what the work threw, after the rollback
   * @throws CommitRefusedException if the database does not commit what the work wrote; it is
   *     rolled back. Frameworks may have exceptions of their own for that
   * @throws StoreUnavailableException if no transaction could be begun, and the work did not run;
   *     or if the commit failed, and it is not known whether it took effect
   */
  <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work) throws X;

  /**
   * Where the connections come from, if that is one data source: stores on the same data source and
   * table are known to hold the same records.
   *
   * @return the data source; null by default
   */
  default @Nullable DataSource dataSource() {
    return null;
  }

  /**
   * Transactions on connections of a data source, each begun and ended by Idem. None is ever
   * joined.
   *
   * @param dataSource where connections come from; autocommit is set back as it was
   * @return the transactions; thread-safe
   */
  static JdbcTransactions of(DataSource dataSource) {
    return new DataSourceTransactions(dataSource);
  }

  /**
   * Transactions on connections of a data source, of which one that is begun inside of another, on
   * the same thread, joins it: for several stores that are to commit together without a framework,
   * such as an inbox and {@link JdbcLogPositions}. A joined one that fails, or is marked, marks the
   * outer, which then rolls back.
   *
   * @param dataSource where connections come from; autocommit is set back as it was
   * @return the transactions, to be given to all of these stores; thread-safe
   */
  static JdbcTransactions nesting(DataSource dataSource) {
    return new NestingTransactions(dataSource);
  }

  /**
   * The transaction that is running on a connection, for callers of plain JDBC.
   *
   * <p>JDBC has no mark that keeps an owner from committing. Work therefore runs behind a savepoint
   * and is rolled back to it where it would mark the transaction: its record and its effect are
   * undone together, and the owner may go on. The savepoint costs two round trips.
   *
   * @param connection a connection with autocommit off; its owner commits and closes it
   * @return the transaction; used by one thread at a time, like its connection
   */
  static JdbcTransactions joining(Connection connection) {
    return new JoinedConnection(connection);
  }

  /**
   * Refuses to take a transaction for good that can only be rolled back, though nobody marked it:
   * on PostgreSQL one of whose statements has failed, if the work has swallowed that. A commit of
   * it rolls it back without a word. To be called when the work has returned and before the commit;
   * stores and guards do so for what they are given to run. It costs a round trip only where a pool
   * does not let its driver be asked.
   *
   * @param connection the connection of the transaction, with autocommit off
   * @throws CommitRefusedException if it can only be rolled back
   * @throws StoreUnavailableException if the database cannot say
   */
  static void requireCommittable(Connection connection) {
    try {
      FailedTransaction.refuse(connection);
    } catch (SQLException e) {
      if (Failures.isAborted(e)) {
        throw Failures.refused("Ending the work of a transaction", e);
      }
      throw Failures.unavailable("Asking whether a transaction can be committed", e);
    }
  }

  /**
   * Work to be done inside a transaction.
   *
   * @param <R> what it returns
   * @param <X> what it throws
   */
  @FunctionalInterface
  interface Work<R extends @Nullable Object, X extends Throwable> {

    /**
     * Does the work.
     *
     * @param transaction the transaction, valid until this method returns
     * @return the result
     * @throws X a failure, which rolls the transaction back
     */
    R run(Transaction transaction) throws X;
  }

  /** One running transaction. Not thread-safe. */
  interface Transaction {

    /**
     * Whether it was there before and is committed by somebody else.
     *
     * @return true for a joined transaction
     */
    boolean isJoined();

    /**
     * The connection it runs on.
     *
     * @return a connection with autocommit off, neither closed nor committed by the caller
     */
    Connection connection();

    /** Sends what a layer above the connection has left in a buffer, such as an ORM's SQL. */
    default void flush() {}

    /** Makes sure that what the work writes is never committed. */
    void setRollbackOnly();

    /**
     * Whether the transaction can only be rolled back.
     *
     * @return true if somebody marked it so
     */
    boolean isRollbackOnly();
  }
}
