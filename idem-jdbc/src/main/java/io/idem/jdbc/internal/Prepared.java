package io.idem.jdbc.internal;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A statement that takes no longer than it may, from its preparation until it is closed.
 *
 * @param statement the statement
 * @param timed what ends it in time; null if nothing does, or the driver itself
 * @param commits whether its transaction ends with it, and nobody looks after a commit that was
 *     cancelled
 */
record Prepared(
    PreparedStatement statement, StatementTimeouts.@Nullable Timed timed, boolean commits)
    implements AutoCloseable {

  private static final String COMPLETION_UNKNOWN = "40003";

  /** Whether it was to be cancelled, once it is closed. */
  boolean isCancelled() {
    return timed != null && timed.isCancelled();
  }

  /**
   * {@inheritDoc}
   *
   * @throws SQLException also if a statement that has succeeded was cancelled while it may have
   *     been committing. PostgreSQL then stops waiting for its standbys and says that it has
   *     committed, with a warning: what it says is durable here and may be lost with this server
   *     ("canceling the wait for synchronous replication" in its sources, {@code syncrep.c}).
   */
  @Override
  public void close() throws SQLException {
    if (timed != null) {
      timed.end();
    }
    statement.close();
    if (commits && isCancelled()) {
      throw new SQLException(
          "The statement took too long and was cancelled when it may have been committing",
          COMPLETION_UNKNOWN);
    }
  }
}
