package io.idem.guard.jdbc;

import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Makes an object of a row.
 *
 * @param <T> the object
 */
@FunctionalInterface
public interface RowReader<T extends @Nullable Object> {

  /**
   * Reads the current row.
   *
   * @param row stands on the row, and is not to be moved; its first columns are those that the
   *     table's settings name to be read, in that order
   * @return the object
   * @throws SQLException if the driver does not give a value
   */
  T read(ResultSet row) throws SQLException;
}
