package io.idem.jdbc.internal;

import io.idem.core.store.StoreUnavailableException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Supplier;
import javax.sql.DataSource;

/**
 * Borrows a connection for one call and gives it back, whichever way the pool sets autocommit.
 *
 * <p>A conflict with a concurrent statement is retried a few times: every step is conditional, so
 * one that had taken effect is found to have.
 */
public final class LeasedCalls {

  private static final int MAX_TRIES = 5;

  private final DataSource dataSource;
  private final RecordTable table;

  /**
   * Creates the caller.
   *
   * @param dataSource where connections come from
   * @param table tells conflicts from other errors
   */
  public LeasedCalls(DataSource dataSource, RecordTable table) {
    this.dataSource = dataSource;
    this.table = table;
  }

  /**
   * One call.
   *
   * @param <R> what it answers
   */
  @FunctionalInterface
  public interface Call<R> {

    /**
     * Does it.
     *
     * @param session where
     * @return the answer
     * @throws SQLException if the database fails
     */
    R on(Session session) throws SQLException;
  }

  /**
   * Makes a call.
   *
   * @param what what is tried, asked for the message of a failure
   * @param call the call
   * @param <R> what it answers
   * @return the answer
   * @throws StoreUnavailableException if the database fails
   */
  public <R> R make(Supplier<String> what, Call<R> call) {
    for (int attempt = 1; ; attempt++) {
      try {
        return once(call);
      } catch (SQLException e) {
        if (attempt == MAX_TRIES || !table.isConflict(e)) {
          throw Failures.unavailable(what.get(), e);
        }
      }
    }
  }

  private <R> R once(Call<R> call) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      if (connection.getAutoCommit()) {
        return call.on(new Session(connection, Session.Mode.AUTOCOMMIT));
      }
      try {
        return call.on(new Session(connection, Session.Mode.COMMIT_EACH));
      } catch (SQLException | RuntimeException | Error e) {
        Failures.rollback(connection, e);
        throw e;
      }
    }
  }
}
