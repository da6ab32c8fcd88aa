package io.idem.audit;

import java.util.Locale;
import net.sf.jsqlparser.expression.Alias;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import org.jspecify.annotations.Nullable;

/** Identifiers as they are compared: without quotes, in lower case. */
final class Names {

  private Names() {}

  static String plain(String name) {
    return bare(name).toLowerCase(Locale.ROOT);
  }

  /**
   * Whether two names are one in any database: between quotes the case counts for some, and what is
   * not quoted is in lower case or upper case to them. MySQL's quotes change nothing about that.
   */
  static boolean same(String one, String other) {
    boolean quoted = isQuoted(one);
    if (quoted != isQuoted(other)) {
      String literal = bare(quoted ? one : other);
      String plain = bare(quoted ? other : one);
      return literal.equals(plain.toLowerCase(Locale.ROOT))
          || literal.equals(plain.toUpperCase(Locale.ROOT));
    }
    return quoted ? bare(one).equals(bare(other)) : plain(one).equals(plain(other));
  }

  private static boolean isQuoted(String name) {
    return name.startsWith("\"") || name.startsWith("[");
  }

  private static String bare(String name) {
    return name.length() > 1 && "\"`[".indexOf(name.charAt(0)) >= 0
        ? name.substring(1, name.length() - 1)
        : name;
  }

  static String of(Column column) {
    return plain(column.getColumnName());
  }

  static String of(Table table) {
    return plain(table.getName());
  }

  /** What a column is qualified with, or null. */
  static @Nullable String qualifierOf(Column column) {
    Table table = column.getTable();
    return table == null || table.getName() == null ? null : plain(table.getName());
  }

  /** An alias, or null. */
  static @Nullable String of(@Nullable Alias alias) {
    return alias == null || alias.getName() == null ? null : plain(alias.getName());
  }
}
