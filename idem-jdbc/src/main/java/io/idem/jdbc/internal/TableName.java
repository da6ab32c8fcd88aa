package io.idem.jdbc.internal;

import java.util.regex.Pattern;

/**
 * The name of the records' table or of one of its partitions, possibly with its schema.
 *
 * <p>It becomes part of statements, so it consists of plain identifiers and nothing else.
 *
 * @param value the name as it is written in statements
 */
public record TableName(String value) {

  private static final Pattern VALID =
      Pattern.compile("([A-Za-z_][A-Za-z0-9_]{0,62}\\.)?[A-Za-z_][A-Za-z0-9_]{0,62}");

  /**
   * Checks the name.
   *
   * @param value the name as it is written in statements
   */
  public TableName {
    if (!VALID.matcher(value).matches()) {
      throw invalid(value, 63);
    }
  }

  /**
   * The name of a table of records, short enough that what is named after it, an index or a
   * partition, fits PostgreSQL's 63 characters.
   *
   * @param value the name as it is written in statements
   * @return the name
   * @throws IllegalArgumentException if it is longer, or no plain identifier
   */
  public static TableName ofRecords(String value) {
    if (!VALID.matcher(value).matches() || value.length() - value.indexOf('.') - 1 > 48) {
      throw invalid(value, 48);
    }
    return new TableName(value);
  }

  private static IllegalArgumentException invalid(String value, int length) {
    return new IllegalArgumentException(
        "The table name must be a plain identifier of at most "
            + length
            + " letters, digits and underscores, optionally after a schema and a dot, but is \""
            + value
            + "\"");
  }

  /** A table beside this one. */
  TableName sibling(String simpleName) {
    return new TableName(schemaPrefix() + simpleName);
  }

  /** A partition of this table. */
  TableName partition(String suffix) {
    return new TableName(value + "_" + suffix);
  }

  /** The schema with its dot, or nothing. */
  String schemaPrefix() {
    return value.substring(0, value.indexOf('.') + 1);
  }

  /** The name without its schema. */
  String simpleName() {
    return value.substring(value.indexOf('.') + 1);
  }
}
