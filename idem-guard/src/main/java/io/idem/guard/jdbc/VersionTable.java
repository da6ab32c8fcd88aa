package io.idem.guard.jdbc;

import java.util.List;

/**
 * The table whose rows have a version. Immutable; each method that changes something answers a
 * copy. Names are as in {@link StateTable}.
 *
 * @param table the table, optionally after its schema and a dot
 * @param id the column that tells rows apart, with a unique index
 * @param version the column of the version: whole numbers of 64 bits, or null for a row that has
 *     none yet
 * @param columns the columns that a write may set
 */
public record VersionTable(String table, String id, String version, List<String> columns) {

  /**
   * Copies the columns.
   *
   * @param table the table, optionally after its schema and a dot
   * @param id the column that tells rows apart, with a unique index
   * @param version the column of the version: whole numbers of 64 bits, or null for a row that has
   *     none yet
   * @param columns the columns that a write may set
   */
  public VersionTable {
    columns = List.copyOf(columns);
  }

  /**
   * A table with columns called {@code id} and {@code version}.
   *
   * @param table the table, optionally after its schema and a dot
   * @param columns the columns that a write may set
   * @return the table
   */
  public static VersionTable of(String table, String... columns) {
    return new VersionTable(table, "id", "version", List.of(columns));
  }

  /**
   * Names the column that tells rows apart.
   *
   * @param column a column with a unique index
   * @return a copy
   */
  public VersionTable withId(String column) {
    return new VersionTable(table, column, version, columns);
  }

  /**
   * Names the column of the version.
   *
   * @param column a column of whole numbers
   * @return a copy
   */
  public VersionTable withVersion(String column) {
    return new VersionTable(table, id, column, columns);
  }
}
