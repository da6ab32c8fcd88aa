package io.idem.guard.jdbc;

import java.math.BigDecimal;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Time;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.time.temporal.Temporal;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Ids as a program has them and as a driver gives them back, which may be of other types. */
final class Ids {

  /**
   * PostgreSQL's protocol counts the parameters of a statement in 16 bits, and some drivers with a
   * sign.
   */
  static final int MAX_PARAMETERS = 30_000;

  private Ids() {}

  /**
   * An id or a part of one as a row has it, of the type that its caller uses where drivers differ:
   * dates, times and truth. A column of fixed length comes without the blanks that fill it up.
   *
   * @param asked one that was asked for
   */
  static Object read(ResultSet row, int column, Object asked) throws SQLException {
    if (asked instanceof Boolean
        || asked instanceof Temporal
        || asked instanceof Timestamp
        || asked instanceof Time) {
      return row.getObject(column, asked.getClass());
    }
    Object value = row.getObject(column);
    return value instanceof String text ? unfilled(row, column, text) : value;
  }

  /** A text as a row has it, without the blanks that fill a column of fixed length up. */
  static @Nullable String text(ResultSet row, int column) throws SQLException {
    String text = row.getString(column);
    return text == null ? null : unfilled(row, column, text);
  }

  private static String unfilled(ResultSet row, int column, String text) throws SQLException {
    if (row.getMetaData().getColumnType(column) != Types.CHAR) {
      return text;
    }
    int end = text.length();
    while (end > 0 && text.charAt(end - 1) == ' ') {
      end--;
    }
    return text.substring(0, end);
  }

  /** The same for what the database takes for the same: 7 as int, long or decimal. */
  static String normal(Object id) {
    if (id instanceof Number) {
      return new BigDecimal(id.toString()).stripTrailingZeros().toPlainString();
    } else if (id instanceof Boolean truth) {
      return truth ? "1" : "0";
    } else if (id instanceof Timestamp time) {
      return time.toLocalDateTime().toString();
    } else if (id instanceof Time time) {
      return time.toLocalTime().toString();
    } else if (id instanceof OffsetDateTime time) {
      return time.toInstant().toString();
    }
    return id instanceof byte[] bytes ? HexFormat.of().formatHex(bytes) : id.toString();
  }

  /** The same for a key of several parts, however they are put together. */
  static String normal(List<?> key) {
    return key.stream()
        .map(Ids::normal)
        .map(part -> part.length() + ":" + part)
        .collect(Collectors.joining());
  }

  /** An order of keys that is the same in every program, whatever the database's own is. */
  static int compare(List<?> one, List<?> other) {
    for (int i = 0; i < one.size(); i++) {
      int order = compare(one.get(i), other.get(i));
      if (order != 0) {
        return order;
      }
    }
    return 0;
  }

  private static int compare(Object one, Object other) {
    if (one instanceof Number && other instanceof Number) {
      return new BigDecimal(one.toString()).compareTo(new BigDecimal(other.toString()));
    }
    return one instanceof Number != other instanceof Number
        ? (one instanceof Number ? -1 : 1)
        : normal(one).compareTo(normal(other));
  }

  static GuardException alike(String column) {
    return new GuardException(
        "The database takes two values of "
            + column
            + " for the same that are not: give them exactly as they are stored, or the column a"
            + " binary collation");
  }

  static String placeholders(int count) {
    return String.join(", ", Collections.nCopies(count, "?"));
  }
}
