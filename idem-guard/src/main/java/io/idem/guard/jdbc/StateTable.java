package io.idem.guard.jdbc;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The table whose rows have a state. Immutable; each method that changes something answers a copy.
 *
 * <p>Names are plain identifiers and mean what they mean in SQL without quotes, or stand between
 * double quotes and mean themselves to the letter. They come from the program, never from a
 * request.
 *
 * @param table the table, optionally after its schema and a dot
 * @param id the column that tells rows apart, with a unique index
 * @param state the column of the state
 * @param columns further columns that a transition may set
 * @param incremented a number that each transition increases by one, such as the version that an
 *     ORM watches; null for none
 * @param history where transitions leave a row; null for nowhere
 */
public record StateTable(
    String table,
    String id,
    String state,
    List<String> columns,
    @Nullable String incremented,
    @Nullable HistoryTable history) {

  /**
   * Copies the columns.
   *
   * @param table the table, optionally after its schema and a dot
   * @param id the column that tells rows apart, with a unique index
   * @param state the column of the state
   * @param columns further columns that a transition may set
   * @param incremented a number that each transition increases by one, such as the version that an
   *     ORM watches; null for none
   * @param history where transitions leave a row; null for nowhere
   */
  public StateTable {
    columns = List.copyOf(columns);
  }

  /**
   * A table with columns called {@code id} and {@code state}.
   *
   * @param table the table, optionally after its schema and a dot
   * @return the table
   */
  public static StateTable of(String table) {
    return new StateTable(table, "id", "state", List.of(), null, null);
  }

  /**
   * Names the column that tells rows apart.
   *
   * @param column a column with a unique index
   * @return a copy
   */
  public StateTable withId(String column) {
    return new StateTable(table, column, state, columns, incremented, history);
  }

  /**
   * Names the column of the state.
   *
   * @param column a column of characters
   * @return a copy
   */
  public StateTable withState(String column) {
    return new StateTable(table, id, column, columns, incremented, history);
  }

  /**
   * Lets transitions set columns beside the state.
   *
   * @param names the columns
   * @return a copy
   */
  public StateTable withColumns(String... names) {
    return new StateTable(table, id, state, List.of(names), incremented, history);
  }

  /**
   * Has each transition increase a number by one. With an ORM that watches a version column, this
   * is what makes it notice.
   *
   * @param column a column of whole numbers
   * @return a copy
   */
  public StateTable withIncremented(String column) {
    return new StateTable(table, id, state, columns, column, history);
  }

  /**
   * Has each transition that is applied leave a row, in the same transaction.
   *
   * @param rows where
   * @return a copy
   */
  public StateTable withHistory(HistoryTable rows) {
    return new StateTable(table, id, state, columns, incremented, rows);
  }
}
