package io.idem.jdbc.internal;

import java.util.regex.Pattern;

/**
 * The name of the records' table, possibly with its schema.
 *
 * <p>It becomes part of statements, so it consists of plain identifiers and nothing else.
 *
 * @param value the name as it is written in statements
 */
public record TableName(String value) {

  /** Short enough that the index, named after the table, fits PostgreSQL's 63 characters. */
  private static final Pattern VALID =
      Pattern.compile("([A-Za-z_][A-Za-z0-9_]{0,62}\\.)?[A-Za-z_][A-Za-z0-9_]{0,47}");

  /**
   * Checks the name.
   *
   * @param value the name as it is written in statements
   */
  public TableName {
    if (!VALID.matcher(value).matches()) {
      throw new IllegalArgumentException(
          "The table name must be a plain identifier of at most 48 letters, digits and underscores,"
              + " optionally after a schema and a dot, but is \""
              + value
              + "\"");
    }
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
