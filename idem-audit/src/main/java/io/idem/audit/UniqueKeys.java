package io.idem.audit;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What is known of the unique keys of tables. Thread-safe and quick; it may remember. */
@FunctionalInterface
public interface UniqueKeys {

  /**
   * The unique keys of a table.
   *
   * @param schema as the statement has it, without quotes; null where it has none
   * @param table as the statement has it, without quotes
   * @return the keys; none if the table has none or is not known
   */
  List<UniqueKey> of(@Nullable String schema, String table);

  /**
   * No keys are known.
   *
   * @return keys of no table
   */
  static UniqueKeys none() {
    return (schema, table) -> List.of();
  }

  /**
   * Keys by the names of tables, whatever the schema.
   *
   * @param keys the keys of each table; case of the names does not count
   * @return the keys
   */
  static UniqueKeys of(Map<String, List<UniqueKey>> keys) {
    Map<String, List<UniqueKey>> byName = new TreeMap<>();
    keys.forEach((table, all) -> byName.put(table.toLowerCase(Locale.ROOT), List.copyOf(all)));
    return (schema, table) -> byName.getOrDefault(table.toLowerCase(Locale.ROOT), List.of());
  }

  /**
   * These keys, and others where these know none.
   *
   * @param others asked for tables without a key here
   * @return both
   */
  default UniqueKeys orElse(UniqueKeys others) {
    return (schema, table) -> {
      List<UniqueKey> known = of(schema, table);
      return known.isEmpty() ? others.of(schema, table) : known;
    };
  }
}
