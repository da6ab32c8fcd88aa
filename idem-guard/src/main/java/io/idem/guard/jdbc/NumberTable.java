package io.idem.guard.jdbc;

import java.time.Duration;
import java.util.List;

/**
 * The table whose rows have a business number. Immutable; each method that changes something
 * answers a copy. Names are as in {@link StateTable}.
 *
 * @param table the table, optionally after its schema and a dot
 * @param number the column of the number, or several that are unique together, with a unique index
 *     over exactly these and no null in them
 * @param columns further columns that an insert may give values for
 * @param read the columns that are read of the row, whether it is new or was there
 * @param maxWait how long to wait for each transaction that is inserting the same number; InnoDB
 *     counts whole seconds, rounded up
 */
public record NumberTable(
    String table, List<String> number, List<String> columns, List<String> read, Duration maxWait) {

  /** The default bound of the wait for another transaction. */
  public static final Duration DEFAULT_WAIT = Duration.ofSeconds(5);

  /**
   * Copies the columns.
   *
   * @param table the table, optionally after its schema and a dot
   * @param number the column of the number, or several that are unique together, with a unique
   *     index over exactly these and no null in them
   * @param columns further columns that an insert may give values for
   * @param read the columns that are read of the row, whether it is new or was there
   * @param maxWait how long to wait for another transaction that is inserting the same number;
   *     InnoDB counts whole seconds, rounded up
   */
  public NumberTable {
    number = List.copyOf(number);
    columns = List.copyOf(columns);
    read = List.copyOf(read);
    if (number.isEmpty()) {
      throw new IllegalArgumentException("Name the column of the number");
    }
    Calls.requireWait(maxWait);
  }

  /**
   * A table whose rows are told apart by a number.
   *
   * @param table the table, optionally after its schema and a dot
   * @param number the column of the number, or several that are unique together
   * @return the table; nothing but the number is inserted and read
   */
  public static NumberTable of(String table, String... number) {
    return new NumberTable(table, List.of(number), List.of(), List.of(number), DEFAULT_WAIT);
  }

  /**
   * Lets inserts give values for columns beside the number.
   *
   * @param names the columns
   * @return a copy
   */
  public NumberTable withColumns(String... names) {
    return new NumberTable(table, number, List.of(names), read, maxWait);
  }

  /**
   * Names what is read of a row, such as an id that the database gives.
   *
   * @param names the columns
   * @return a copy
   */
  public NumberTable withRead(String... names) {
    return new NumberTable(table, number, columns, List.of(names), maxWait);
  }

  /**
   * Bounds the wait for another transaction that is inserting the same number.
   *
   * @param atMost the bound, up to an hour; zero waits as little as the database can
   * @return a copy
   */
  public NumberTable withMaxWait(Duration atMost) {
    return new NumberTable(table, number, columns, read, atMost);
  }
}
