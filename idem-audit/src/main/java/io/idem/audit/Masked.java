package io.idem.audit;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Statements as they are shown, kept and compared: without the literals and comments in them, which
 * may be anybody's data, and of which an application that builds its SQL has others each time.
 */
final class Masked {

  private static final int LONGEST = 2_000;

  /** Comments, strings, quoted names, other names and parameters, numbers. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "(?<comment>--[^\\n]*+|(?s:/\\*.*?\\*/))"
              + "|(?<string>\\b[EeNnXxBb]?'(?:[^']|'')*+'?"
              + "|'(?:[^']|'')*+'?"
              + "|(?s:(?<tag>\\$(?:[A-Za-z_]\\w*)?\\$).*?(?:\\k<tag>|\\z)))"
              + "|(?<quoted>\"[^\"]*+\"?)"
              + "|(?<name>`[^`]*+`|[$:@]\\w++|[\\p{L}_][\\w$]*+)"
              + "|(?<number>\\d[\\w.]*+)",
          Pattern.DOTALL);

  /** Quoted by two signs is a name, or in MySQL a string: it is a name if it looks like one. */
  private static final Pattern NAME = Pattern.compile("\"[\\p{L}_][\\w$]*+\"");

  /** In prose an apostrophe behind a letter quotes nothing. */
  private static final Pattern IN_PROSE =
      Pattern.compile(
          "(?s)(?<![\\p{L}\\d])[ENXBenxb]?'(?:(?:[^']|'')*+'(?!')|.*$)"
              + "|(?<![\\w.$:?@])\\d[\\w.]*+");

  private Masked() {}

  /** A statement with a question mark for each literal, and cut off where it is very long. */
  static String sql(String sql) {
    int ambiguous = sql.indexOf("\\'");
    String certain = ambiguous < 0 ? sql : sql.substring(0, sql.indexOf('\''));
    StringBuilder text = new StringBuilder();
    Matcher tokens = TOKEN.matcher(certain);
    int copied = 0;
    while (tokens.find()) {
      text.append(certain, copied, tokens.start());
      copied = tokens.end();
      String quoted = tokens.group("quoted");
      if (tokens.group("comment") != null) {
        text.append(' ');
      } else if (tokens.group("string") != null
          || tokens.group("number") != null
          || (quoted != null && !NAME.matcher(quoted).matches())) {
        text.append('?');
      } else {
        text.append(tokens.group());
      }
    }
    text.append(certain, copied, certain.length());
    // Where a string with a backslash ends depends on the database.
    String masked = (ambiguous < 0 ? text.toString() : text + "?...").strip();
    return masked.length() <= LONGEST ? masked : masked.substring(0, LONGEST) + "...";
  }

  /** What is known of a statement, without the literals that its reason quotes. */
  static Classification classification(Classification found) {
    return found.kind() == StatementKind.UNREADABLE
        ? found // it quotes nothing but the classifier's own numbers
        : new Classification(
            found.verdict(), found.kind(), IN_PROSE.matcher(found.reason()).replaceAll("?"));
  }
}
