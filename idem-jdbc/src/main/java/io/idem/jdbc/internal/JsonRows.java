package io.idem.jdbc.internal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A statement that takes the keys of a batch as the rows of one JSON document.
 *
 * <p>{@code {rows}} stands for the document as a table called {@code r}. A value that all keys of a
 * batch share stays a parameter, one that differs becomes a column of that table. So the text of a
 * statement does not grow with the batch, nor do its parameters: parsing a row of values costs the
 * server more than inserting it. Immutable.
 */
final class JsonRows {

  /**
   * Where a document ends and the next one begins, in characters: far below what any server takes
   * as a packet.
   */
  private static final int MOST_CHARS = 1 << 20;

  private static final int LONGEST_VARCHAR = 4096;
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([a-z_]+)}");

  private final String template;
  private final Map<String, String> words;
  private final Set<Param> ofKeys = EnumSet.noneOf(Param.class);

  /**
   * Prepares a statement.
   *
   * @param template its text, with placeholders in braces
   * @param words the placeholders that stand for text
   */
  JsonRows(String template, Map<String, String> words) {
    this.template = template.strip();
    this.words = words;
    Matcher matcher = PLACEHOLDER.matcher(template);
    while (matcher.find()) {
      String name = matcher.group(1);
      if (!words.containsKey(name) && !Param.named(name).isOfBatch()) {
        ofKeys.add(Param.named(name));
      }
    }
  }

  /** Whether a template is of this kind. */
  static boolean takes(String template) {
    return template.contains("{rows}");
  }

  /**
   * A statement for the first keys of a batch.
   *
   * @param sql the statement
   * @param values its values
   * @param keys how many keys it is for
   */
  record Filled(Sql sql, Binder values, int keys) {}

  /**
   * Fills in as many keys as one statement may carry.
   *
   * @param batch the values of each key; the document is put among those of the first
   * @return at least one key
   */
  Filled fill(List<Binder> batch) {
    Binder first = batch.get(0);
    List<Param> columns = new ArrayList<>();
    for (Param param : ofKeys) {
      boolean shared =
          param != Param.ID
              && batch.stream()
                  .allMatch(key -> Objects.deepEquals(key.value(param), first.value(param)));
      if (!shared) {
        columns.add(param);
      }
    }
    Set<Param> hex = hex(columns, batch);
    StringBuilder document = new StringBuilder("[");
    int keys = 0;
    while (keys < batch.size()) {
      int before = document.length();
      document.append(keys == 0 ? "" : ",");
      appendRow(document, columns, hex, batch.get(keys));
      if (keys > 0 && document.length() > MOST_CHARS) {
        document.setLength(before); // it goes into a statement of its own, or with later ones
        break;
      }
      keys++;
    }
    first.put(Param.ROWS, document.append(']').toString());
    return new Filled(sql(columns, hex, batch.subList(0, keys)), first, keys);
  }

  /**
   * The columns whose values are written in hexadecimal digits: bytes, and texts of which one would
   * need a backslash. MariaDB 10.11.5, for one, leaves the backslashes in, and then finds the value
   * too long for its column.
   */
  private static Set<Param> hex(List<Param> columns, List<Binder> batch) {
    Set<Param> hex = EnumSet.noneOf(Param.class);
    for (Param column : columns) {
      if (isBytes(column)
          || (column.kind() == Param.Kind.TEXT
              && batch.stream().anyMatch(key -> needsEscape((String) key.value(column))))) {
        hex.add(column);
      }
    }
    return hex;
  }

  private static boolean needsEscape(@Nullable String text) {
    if (text == null) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c < ' ' || c == '"' || c == '\\') {
        return true;
      }
    }
    return false;
  }

  private Sql sql(List<Param> columns, Set<Param> hex, List<Binder> batch) {
    List<Param> params = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    Matcher matcher = PLACEHOLDER.matcher(template);
    while (matcher.find()) {
      String word = words.get(matcher.group(1));
      if (word == null) {
        Param param = Param.named(matcher.group(1));
        if (columns.contains(param)) {
          word = value(param, hex.contains(param));
        } else {
          params.add(param);
          word = param == Param.ROWS ? table(columns, hex, batch) : "?";
        }
      }
      matcher.appendReplacement(text, Matcher.quoteReplacement(word));
    }
    matcher.appendTail(text);
    return new Sql(text.toString(), List.copyOf(params));
  }

  private static String value(Param column, boolean hex) {
    String value = hex ? "UNHEX(r." + name(column) + ")" : "r." + name(column);
    return hex && column.kind() == Param.Kind.TEXT ? "CONVERT(" + value + " USING utf8mb4)" : value;
  }

  private static String table(List<Param> columns, Set<Param> hex, List<Binder> batch) {
    return columns.stream()
        .map(
            column ->
                "%s %s PATH '$.%c' ERROR ON ERROR"
                    .formatted(
                        name(column),
                        type(column, hex.contains(column), batch),
                        letter(columns, column)))
        .collect(Collectors.joining(", ", "JSON_TABLE(?, '$[*]' COLUMNS(", ")) r"));
  }

  /** As short as the batch allows, because the server makes room for the longest value. */
  private static String type(Param column, boolean hex, List<Binder> batch) {
    return switch (column.kind()) {
      case LONG -> "BIGINT";
      case INT -> "INT";
      case BYTES16 -> "CHAR(32) CHARACTER SET latin1";
      case BYTES -> varchar(column, hex, batch) + " CHARACTER SET latin1";
      case TEXT -> varchar(column, hex, batch) + (hex ? " CHARACTER SET latin1" : "");
    };
  }

  private static String varchar(Param column, boolean hex, List<Binder> batch) {
    int longest = 32;
    for (Binder key : batch) {
      int length = length(key.value(column), hex);
      // In powers of two, so that there are few such statements.
      longest = length <= longest ? longest : Integer.highestOneBit(length - 1) << 1;
    }
    return longest > LONGEST_VARCHAR ? "LONGTEXT" : "VARCHAR(" + longest + ")";
  }

  private static int length(@Nullable Object value, boolean hex) {
    if (value == null) {
      return 0;
    }
    return hex ? 2 * bytes(value).length : ((String) value).length();
  }

  private static byte[] bytes(Object value) {
    return value instanceof byte[] bytes
        ? bytes
        : ((String) value).getBytes(StandardCharsets.UTF_8);
  }

  private static void appendRow(
      StringBuilder document, List<Param> columns, Set<Param> hex, Binder key) {
    char separator = '{';
    for (Param column : columns) {
      Object value = key.value(column);
      // What is absent is null.
      if (value != null) {
        document.append(separator).append('"').append(letter(columns, column)).append("\":");
        appendValue(document, value, hex.contains(column));
        separator = ',';
      }
    }
    document.append('}');
  }

  /** Without a backslash: see {@link #hex}. */
  private static void appendValue(StringBuilder document, Object value, boolean hex) {
    if (hex) {
      document.append('"').append(HexFormat.of().formatHex(bytes(value))).append('"');
    } else if (value instanceof String text) {
      document.append('"').append(text).append('"');
    } else {
      document.append(value);
    }
  }

  private static boolean isBytes(Param param) {
    return param.kind() == Param.Kind.BYTES || param.kind() == Param.Kind.BYTES16;
  }

  /** Not the parameter's name alone, some of which are words of SQL. */
  private static String name(Param param) {
    return "v_" + param.name().toLowerCase(Locale.ROOT);
  }

  /** Its name in the document. */
  private static char letter(List<Param> columns, Param column) {
    return (char) ('a' + columns.indexOf(column));
  }
}
