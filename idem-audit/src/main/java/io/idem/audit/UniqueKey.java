package io.idem.audit;

import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * Columns of a table that no two rows share. Immutable and thread-safe.
 *
 * @param columns their names, in lower case and without quotes; at least one
 * @param primary whether it is a primary key that the application or the database may make up for
 *     each row. Such a key refuses a repeat only where its value comes from the request
 */
public record UniqueKey(Set<String> columns, boolean primary) {

  /**
   * Checks the columns.
   *
   * @param columns their names, without quotes, in any case
   * @param primary whether it is a primary key that may be made up for each row
   * @throws IllegalArgumentException if there is none
   */
  public UniqueKey {
    Set<String> names = new TreeSet<>();
    columns.forEach(column -> names.add(column.toLowerCase(Locale.ROOT)));
    if (names.isEmpty()) {
      throw new IllegalArgumentException("A unique key has at least one column");
    }
    columns = Collections.unmodifiableSet(names);
  }

  /**
   * A key whose value means something outside the database, such as an order number.
   *
   * @param columns the names of its columns; at least one
   * @return the key
   */
  public static UniqueKey of(String... columns) {
    return new UniqueKey(Set.of(columns), false);
  }

  static UniqueKey of(Collection<String> columns, boolean primary) {
    return new UniqueKey(Set.copyOf(columns), primary);
  }

  /** The columns, as a reader knows them: {@code (shop, number)}. */
  @Override
  public String toString() {
    return "(" + String.join(", ", List.copyOf(columns)) + ")";
  }
}
