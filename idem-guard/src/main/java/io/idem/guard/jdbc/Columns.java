package io.idem.guard.jdbc;

import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The columns that a guard was declared with: no other can be named in a call. Values go to the
 * database as parameters, names only as they were declared.
 */
final class Columns {

  private final String table;
  private final Map<String, String> quoted = new LinkedHashMap<>();

  /**
   * Checks and quotes names.
   *
   * @param reserved columns that the guard writes itself
   */
  Columns(Identifiers identifiers, String table, List<String> declared, List<String> reserved) {
    this.table = table;
    List<String> taken = new ArrayList<>(reserved);
    for (String name : declared) {
      if (taken.stream().anyMatch(other -> identifiers.same(name, other))) {
        throw new IllegalArgumentException(
            "The column " + name + " of " + table + " is named twice, or written by the guard");
      }
      taken.add(name);
      quoted.put(name, identifiers.column(name));
    }
  }

  /** The quoted names of the columns that a call gives values for, in its order. */
  List<String> of(Collection<String> names) {
    return names.stream().map(this::one).toList();
  }

  /** Every declared column, quoted. */
  List<String> all() {
    return List.copyOf(quoted.values());
  }

  private String one(String name) {
    @Nullable String column = quoted.get(name);
    if (column == null) {
      throw new IllegalArgumentException(
          "A value is given for a column that the guard of "
              + table
              + " was not declared with: declare it where the guard is made. Declared are "
              + quoted.keySet());
    }
    return column;
  }
}
