package io.idem.jdbc.internal;

import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a driver's errors. */
public final class Failures {

  private static final Logger log = LoggerFactory.getLogger(Failures.class);

  private static final Set<String> REFUSALS = Set.of("22", "23", "27", "44", "P0");
  private static final String CONSTRAINT_AT_COMMIT = "40002";

  private Failures() {}

  /**
   * An error that leaves it open what the store holds.
   *
   * @param what what was tried
   * @param e what the driver said
   * @return the exception to throw
   */
  public static StoreUnavailableException unavailable(String what, SQLException e) {
    return new StoreUnavailableException(what + ": " + e.getMessage(), e);
  }

  /**
   * An error within a transaction.
   *
   * @param what what was tried
   * @param e what the driver said
   * @param conflict whether the transaction may be run again
   * @return the exception to throw
   */
  public static StoreUnavailableException inTransaction(
      String what, SQLException e, boolean conflict) {
    return conflict
        ? new StoreConflictException(
            what + ": the database wants the transaction rolled back: " + e.getMessage(), e)
        : unavailable(what, e);
  }

  /**
   * An error of a commit, or of a statement that commits.
   *
   * @param what what was tried
   * @param e what the driver said
   * @return the exception to throw
   */
  public static RuntimeException ofCommit(String what, SQLException e) {
    if (isRefusal(e)) {
      return refused(what, e);
    }
    return inTransaction(what + ", which may or may not have taken effect", e, isRollback(e));
  }

  /**
   * What a database does not commit, because of what was written.
   *
   * @param what what was tried
   * @param e what the driver said
   * @return the exception to throw
   */
  public static CommitRefusedException refused(String what, SQLException e) {
    return new CommitRefusedException(
        what + " is refused, and all of it rolled back: " + e.getMessage(), e);
  }

  /**
   * Whether a failed commit is the failure of what was written, and has certainly not taken effect.
   *
   * @param e what the driver said
   * @return true for a constraint (classes 23 and 44, 40002), for what a trigger meets or raises at
   *     the commit (22, 27, and P0 of PL/pgSQL), and for {@link #isAborted}
   */
  static boolean isRefusal(SQLException e) {
    String state = e.getSQLState();
    return state != null
        && (REFUSALS.contains(state.substring(0, Math.min(2, state.length())))
            || state.equals(CONSTRAINT_AT_COMMIT)
            || isAborted(e));
  }

  /**
   * Whether an earlier statement of the transaction has failed, after which PostgreSQL does nothing
   * more in it.
   *
   * @param e what the driver said
   * @return true for 25P02
   */
  public static boolean isAborted(SQLException e) {
    return FailedTransaction.STATE.equals(e.getSQLState());
  }

  /**
   * Whether the standard says that the transaction was rolled back and may be run again.
   *
   * @param e what the driver said
   * @return true for class 40 but 40003, which says that nobody knows
   */
  public static boolean isRollback(SQLException e) {
    String state = e.getSQLState();
    return state != null && state.startsWith("40") && !state.equals("40003");
  }

  /**
   * Rolls back after a failure, which is what is thrown.
   *
   * @param connection the connection
   * @param cause the failure; a failing rollback is added to it
   * @return whether the connection is rolled back; if not, it must not be used again
   */
  public static boolean rollback(Connection connection, Throwable cause) {
    try {
      connection.rollback();
      return true;
    } catch (SQLException e) {
      cause.addSuppressed(e);
      return false;
    }
  }

  /**
   * Rolls back a transaction that asked something only. Its answer counts, whatever becomes of it:
   * a container does not let a transaction of its own be ended.
   *
   * @param connection the connection
   */
  public static void endQuestion(Connection connection) {
    try {
      connection.rollback();
    } catch (SQLException e) {
      log.debug("A transaction that asked something only could not be rolled back", e);
    }
  }

  /**
   * Gives a connection back. The outcome of its work is certain by now, so a failure is logged
   * only.
   *
   * @param connection the connection
   * @param usable whether its transaction has ended; a connection of which that is not known is
   *     aborted, because setting autocommit back or closing it might commit
   * @param autoCommit what autocommit was when it was borrowed
   */
  public static void giveBack(Connection connection, boolean usable, boolean autoCommit) {
    boolean reusable = usable;
    try {
      if (reusable && autoCommit) {
        connection.setAutoCommit(true);
      }
    } catch (SQLException e) {
      log.warn("Autocommit could not be set back, so the connection is aborted", e);
      reusable = false;
    }
    try {
      if (!reusable) {
        connection.abort(Runnable::run);
      }
    } catch (SQLException e) {
      log.warn("A connection with an unfinished transaction could not be aborted", e);
    }
    try {
      connection.close();
    } catch (SQLException e) {
      log.warn("A connection could not be closed", e);
    }
  }
}
