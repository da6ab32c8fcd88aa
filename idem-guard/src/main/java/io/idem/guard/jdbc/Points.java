package io.idem.guard.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Locking reads of several rows where a statement locks whatever it looks at: each row is looked up
 * by its own key. A condition with {@code IN} may be answered by a scan, which waits for rows that
 * nobody asked for.
 */
final class Points {

  /** How many rows one statement looks up. */
  private static final int MOST = 64;

  private Points() {}

  /** Is given a row, and the place of its key. */
  interface Found {
    void row(ResultSet row, int place) throws SQLException;
  }

  /**
   * Reads the rows one by one in the order of their keys, a number of them in each round trip.
   *
   * @param columns what is read; the place of the key stands behind it
   * @param rest the statement from its FROM on, for one key
   */
  static void read(
      Connection connection, String columns, String rest, List<? extends List<?>> keys, Found found)
      throws SQLException {
    for (int from = 0; from < keys.size(); from += MOST) {
      int to = Math.min(keys.size(), from + MOST);
      List<String> branches = new ArrayList<>();
      List<@Nullable Object> values = new ArrayList<>();
      for (int place = from; place < to; place++) {
        branches.add("(SELECT " + columns + ", " + place + " FROM " + rest + ")");
        values.addAll(keys.get(place));
      }
      Calls.query(
          connection,
          String.join(" UNION ALL ", branches),
          values,
          rows -> {
            int last = rows.getMetaData().getColumnCount();
            while (rows.next()) {
              found.row(rows, rows.getInt(last));
            }
            return true;
          });
    }
  }
}
