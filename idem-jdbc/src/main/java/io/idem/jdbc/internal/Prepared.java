package io.idem.jdbc.internal;

import java.sql.PreparedStatement;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A statement that takes no longer than it may, from its preparation until it is closed.
 *
 * @param statement the statement
 * @param timed what ends it in time; null if nothing does, or the driver itself
 */
record Prepared(PreparedStatement statement, StatementTimeouts.@Nullable Timed timed)
    implements AutoCloseable {

  @Override
  public void close() throws SQLException {
    if (timed != null) {
      timed.end();
    }
    statement.close();
  }
}
