package io.idem.guard.jdbc;

import org.jspecify.annotations.Nullable;

/**
 * The table in which transitions leave a row each. Immutable.
 *
 * @param table the table, optionally after its schema and a dot
 * @param id the column of the object's id
 * @param to the column of the state that was entered
 * @param from the column of the state that was left; null for none. Where several states lead to
 *     the new one, the row is read and locked first: one statement more
 * @param at the column of the time, filled with the database's {@code CURRENT_TIMESTAMP}; null for
 *     none, or for a default of its own
 */
public record HistoryTable(
    String table, String id, String to, @Nullable String from, @Nullable String at) {

  /**
   * A table with the columns that every history has.
   *
   * @param table the table, optionally after its schema and a dot
   * @param id the column of the object's id
   * @param to the column of the state that was entered
   * @return the table
   */
  public static HistoryTable of(String table, String id, String to) {
    return new HistoryTable(table, id, to, null, null);
  }

  /**
   * Names the column of the state that was left.
   *
   * @param column a column of characters
   * @return a copy
   */
  public HistoryTable withFrom(String column) {
    return new HistoryTable(table, id, to, column, at);
  }

  /**
   * Names the column of the time.
   *
   * @param column a column of timestamps
   * @return a copy
   */
  public HistoryTable withAt(String column) {
    return new HistoryTable(table, id, to, from, column);
  }
}
