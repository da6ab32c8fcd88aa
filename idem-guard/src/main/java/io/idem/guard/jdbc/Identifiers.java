package io.idem.guard.jdbc;

import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How names become part of statements: checked, in the case the database keeps, and quoted.
 *
 * <p>A plain name means what it means in SQL without quotes. One between double quotes means itself
 * to the letter. Quotes, backslashes, question marks and control characters are part of none.
 *
 * @param quote what a name is put between
 * @param plain the case in which the database keeps plain names
 */
record Identifiers(String quote, Case plain) {

  private static final String PART = "[A-Za-z_][A-Za-z0-9_]{0,62}|\"[\\p{L}\\p{N}_ $.#-]{1,63}\"";
  private static final Pattern PARTS = Pattern.compile("\\G(" + PART + ")(\\.|$)");
  private static final Pattern COLUMN = Pattern.compile(PART);

  /** The case of names that were written without quotes. */
  enum Case {
    UPPER,
    LOWER,
    AS_WRITTEN
  }

  static Identifiers of(DatabaseMetaData metaData, DatabaseSpec spec) throws SQLException {
    Case plain = Case.AS_WRITTEN;
    if (metaData.storesUpperCaseIdentifiers()) {
      plain = Case.UPPER;
    } else if (metaData.storesLowerCaseIdentifiers()) {
      plain = Case.LOWER;
    }
    return new Identifiers(spec.quote(), plain);
  }

  /** A table, optionally after its schema and a dot. */
  String table(String name) {
    List<String> parts = new ArrayList<>();
    Matcher matcher = PARTS.matcher(name);
    int end = 0;
    while (matcher.find()) {
      parts.add(quoted(matcher.group(1)));
      end = matcher.end();
    }
    if (parts.isEmpty() || parts.size() > 2 || end < name.length() || name.endsWith(".")) {
      throw invalid("table", name, ", optionally after a schema and a dot");
    }
    return String.join(".", parts);
  }

  String column(String name) {
    if (!COLUMN.matcher(name).matches()) {
      throw invalid("column", name, "");
    }
    return quoted(name);
  }

  /** Whether two names mean the same column, as far as the names tell. */
  boolean same(String one, String other) {
    return plain == Case.AS_WRITTEN
        ? column(one).equalsIgnoreCase(column(other))
        : column(one).equals(column(other));
  }

  private String quoted(String name) {
    if (name.startsWith("\"")) {
      return quote + name.substring(1, name.length() - 1) + quote;
    }
    return quote
        + switch (plain) {
          case UPPER -> name.toUpperCase(Locale.ROOT);
          case LOWER -> name.toLowerCase(Locale.ROOT);
          case AS_WRITTEN -> name;
        }
        + quote;
  }

  private static IllegalArgumentException invalid(String what, String name, String more) {
    return new IllegalArgumentException(
        "The name of a "
            + what
            + " must be a plain identifier of at most 63 letters, digits and underscores"
            + more
            + ", or such a name as it was created between double quotes, but is ["
            + name
            + "]");
  }
}
