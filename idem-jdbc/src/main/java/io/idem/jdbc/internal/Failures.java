package io.idem.jdbc.internal;

import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import java.sql.Connection;
import java.sql.SQLException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What becomes of a driver's errors. */
public final class Failures {

  private static final Logger log = LoggerFactory.getLogger(Failures.class);

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
