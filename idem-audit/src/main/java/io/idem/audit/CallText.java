package io.idem.audit;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Looks for calls in the mere text of a statement, where a reader of its structure may have
 * overlooked one.
 */
final class CallText {

  /** Comments, strings, and names that look like calls. Each part matches without going back. */
  private static final Pattern TOKEN =
      Pattern.compile(
          "--[^\\n"
              + "]*+|(?s:/\\*.*?\\*/)|'[^']*+'"
              + "|(?<before>\\)\\s*+(?:as\\s++)?+|\\b(?:into|as|table|with\\s++recursive|with)\\s++)?+"
              + "(?<name>[A-Za-z_\"`][\\w$\"`]*+(?:\\s*+\\.\\s*+[A-Za-z_\"`][\\w$\"`]*+){0,8}+)"
              + "(?<call>\\s*+\\()?+",
          Pattern.CASE_INSENSITIVE);

  /** What stands before a parenthesis without being called. */
  private static final Set<String> WORDS =
      Set.of(
          """
          in values and or not on where select from join using over as any all some exists when then
          else case set by filter within group with key into table update insert conflict returning
          limit offset fetch first next top distinct between like ilike is having union except
          intersect minus lateral interval array row rows cube rollup sets partition order varchar
          char character varying decimal numeric number float double precision int integer bigint
          smallint time timestamp bit binary varbinary nchar nvarchar text enum materialized recursive
          tablesample system bernoulli columns against match default unique primary index explain
          analyze merge matched delete replace ignore duplicate for of to end escape similar only
          window range zone call columns_updated inner left right outer full cross natural return
          """
              .strip()
              .split("\\s+"));

  /** MySQL takes two dashes for a comment only before white space, and a number sign always. */
  private static final Pattern COMMENT =
      Pattern.compile(
          "(?s:/\\*.*?\\*/)|'[^']*+'|\"[^\"]*+\"|`[^`]*+`|--\\s[^\\n]*+|--$|(?<other>--|#(?![->]))");

  private CallText() {}

  /** Whether databases differ on what of a statement is a comment. */
  static boolean mayBeNoComment(String sql) {
    Matcher comments = COMMENT.matcher(sql);
    while (comments.find()) {
      if (comments.group("other") != null) {
        return true;
      }
    }
    return false;
  }

  /** The first name that is followed by a parenthesis and that nobody here knows. */
  static Optional<String> unknownIn(String sql) {
    Matcher tokens = TOKEN.matcher(sql);
    while (tokens.find()) {
      if (tokens.group("call") == null || tokens.group("before") != null) {
        continue;
      }
      String name = tokens.group("name").replaceAll("\\s", "");
      String plain = Functions.plain(name).toLowerCase(Locale.ROOT);
      if (!WORDS.contains(plain) && Functions.of(name, 2) == Functions.Nature.UNKNOWN) {
        return Optional.of(plain);
      }
    }
    return Optional.empty();
  }
}
