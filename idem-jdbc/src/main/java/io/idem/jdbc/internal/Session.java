package io.idem.jdbc.internal;

import java.sql.Connection;
import java.sql.SQLException;

/**
 * The connection of one call, and what it takes to go on after each of its statements.
 *
 * @param connection the connection
 * @param mode how its transaction is run
 */
public record Session(Connection connection, Mode mode) {

  /** How the transaction around a call is run. */
  public enum Mode {
    /** Every statement commits by itself. */
    AUTOCOMMIT,
    /** Autocommit is off and the transaction is the call's own: each statement is committed. */
    COMMIT_EACH,
    /** A transaction of Idem's own in which nothing has been done before. */
    OWNED,
    /**
     * A transaction that somebody else has begun for this work, in which nothing has been done but
     * what a rollback would undo, such as a setting. Only where it would.
     */
    BEGUN,
    /** As the two before, but what a batch has claimed already may not be undone. */
    BATCH,
    /** A transaction in which something may have been done before. */
    JOINED
  }

  /** Whether the call is part of a transaction that outlives it. */
  boolean inTransaction() {
    return mode != Mode.AUTOCOMMIT && mode != Mode.COMMIT_EACH;
  }

  /** Whether a claim that is undone must leave what was done before it. */
  boolean isUsed() {
    return mode == Mode.BATCH || mode == Mode.JOINED;
  }

  /** The same in the middle of a batch, whose keys are not each other. */
  Session used() {
    return isUsed() ? this : new Session(connection, Mode.BATCH);
  }

  /** Called after each statement that is a step of its own. */
  void settle() throws SQLException {
    if (mode == Mode.COMMIT_EACH) {
      connection.commit();
    }
  }
}
