package io.idem.jdbc.internal;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The partitions of a table at one moment.
 *
 * @param all those that are there
 * @param now the moment by the database's clock, in units of 65.536 s since 1970
 */
record Partitions(List<Partition> all, long now) {

  /** What the catalogue says. */
  static Partitions of(Connection connection, TableName table, String clock) throws SQLException {
    List<Partition> all = new ArrayList<>();
    try (PreparedStatement statement =
        connection.prepareStatement(
            "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits i"
                + " JOIN pg_class c ON c.oid = i.inhrelid"
                + " WHERE i.inhparent = to_regclass(CAST(? AS text)) ORDER BY 2")) {
      statement.setString(1, table.value());
      try (ResultSet result = statement.executeQuery()) {
        while (result.next()) {
          String bound = result.getString(2);
          if (bound != null) { // else another node drops it just now
            all.add(Partition.of(table.sibling(result.getString(1)), bound));
          }
        }
      }
    }
    return new Partitions(all, number(connection, "SELECT " + clock) / Partition.UNIT_MILLIS);
  }

  /** The one that takes what no other does. */
  @Nullable Partition rest() {
    return all.stream().filter(Partition::isDefault).findFirst().orElse(null);
  }

  /**
   * Those that are to be there as well.
   *
   * @param table the table that is partitioned
   * @param width how wide they are, in units
   * @param ahead how many there are beside the one of now
   */
  List<Partition> missing(TableName table, long width, int ahead) {
    long current = now / width * width;
    // Never one before the last: its keys have had their time.
    long from = all.stream().mapToLong(Partition::to).reduce(current, Math::max);
    long until = Math.min(current + (ahead + 1) * width, Partition.LAST);
    List<Partition> missing = new ArrayList<>();
    while (from < until) {
      long to = Math.min((from / width + 1) * width, Partition.LAST);
      missing.add(Partition.ofTime(table, from, to));
      from = to;
    }
    return missing;
  }

  static long number(Connection connection, String sql) throws SQLException {
    return Long.parseLong(String.valueOf(text(connection, sql)));
  }

  static @Nullable String text(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      return result.next() ? result.getString(1) : null;
    }
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
