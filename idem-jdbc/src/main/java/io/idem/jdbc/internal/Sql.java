package io.idem.jdbc.internal;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One statement: its text, and which value goes where.
 *
 * <p>Built once from a template of the dialect, never for a call.
 *
 * @param text the text with a question mark for each value
 * @param params the values in the order of the question marks
 */
record Sql(String text, List<Param> params) {

  private static final String OPEN = "[[";
  private static final String CLOSE = "]]";
  private static final Pattern SPACES = Pattern.compile("\\s+");
  private static final Pattern PLACEHOLDER = Pattern.compile("\\{([a-z_]+)}");

  /**
   * Fills in a template.
   *
   * @param template the text, with placeholders in braces
   * @param words the placeholders that stand for text, such as the table; all others are values
   * @return the statement
   */
  static Sql of(String template, Map<String, String> words) {
    List<Param> params = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    // Databases keep, compare and report the text with every call: line breaks would cost.
    Matcher matcher = PLACEHOLDER.matcher(SPACES.matcher(template.strip()).replaceAll(" "));
    while (matcher.find()) {
      String name = matcher.group(1);
      String word = words.get(name);
      if (word == null) {
        params.add(Param.named(name));
      }
      matcher.appendReplacement(text, Matcher.quoteReplacement(word == null ? "?" : word));
    }
    matcher.appendTail(text);
    return new Sql(text.toString(), List.copyOf(params));
  }

  /**
   * The same statement with what stands in double brackets as often as a batch has keys.
   *
   * @param times how many keys; at least 1
   * @return the statement; this one if it has no brackets and takes arrays
   */
  Sql repeated(int times) {
    int from = text.indexOf(OPEN);
    if (from < 0) {
      return this;
    }
    int to = text.indexOf(CLOSE, from);
    String row = text.substring(from + OPEN.length(), to);
    return new Sql(
        text.substring(0, from)
            + String.join(", ", Collections.nCopies(times, row))
            + text.substring(to + CLOSE.length()),
        params);
  }

  /** Whether each key of a batch takes the values anew, rather than all of them as arrays. */
  boolean repeats() {
    return text.contains(OPEN);
  }

  /** The same statement between two others that take no values, all sent at once. */
  Sql between(String before, String after) {
    return new Sql(before + "; " + text + "; " + after, params);
  }
}
