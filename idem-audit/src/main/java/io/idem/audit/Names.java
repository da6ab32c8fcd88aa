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
    String bare = name;
    if (bare.length() > 1 && "\"`[".indexOf(bare.charAt(0)) >= 0) {
      bare = bare.substring(1, bare.length() - 1);
    }
    return bare.toLowerCase(Locale.ROOT);
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
