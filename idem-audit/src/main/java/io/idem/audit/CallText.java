package io.idem.audit;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
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

  /**
   * MySQL takes two dashes for a comment only before white space, and a number sign always. In
   * PostgreSQL a comment may have others in it.
   */
  private static final Pattern COMMENT =
      Pattern.compile(
          "(?s:/\\*.*?\\*/)|'[^']*+'|\"[^\"]*+\"|`[^`]*+`|--\\s[^\\n]*+|--$|(?<other>--|#(?![->]))");

  /** What a query may not do unmet. */
  private static final Set<Functions.Nature> DOING =
      EnumSet.of(Functions.Nature.SEQUENCE, Functions.Nature.EFFECT);

  /** What a statement that writes may not be given or chosen by unmet. */
  private static final Set<Functions.Nature> VARYING =
      EnumSet.of(
          Functions.Nature.CLOCK,
          Functions.Nature.RANDOM,
          Functions.Nature.SEQUENCE,
          Functions.Nature.EFFECT);

  private CallText() {}

  /** Whether databases differ on what of a statement is a comment. */
  static boolean mayBeNoComment(String sql) {
    Matcher comments = COMMENT.matcher(sql);
    while (comments.find()) {
      boolean nested = comments.group().startsWith("/*") && comments.group().indexOf("/*", 2) > 0;
      if (nested || comments.group("other") != null) {
        return true;
      }
    }
    return false;
  }

  /**
   * What is said against the first name before a parenthesis that nobody here knows, or that is
   * known for another answer each time or an effect and stands where the structure has it not.
   *
   * @param met how often the structure has each name
   * @param writes whether the statement does more than read
   */
  static Optional<String> unknownIn(String sql, Map<String, Integer> met, boolean writes) {
    Set<Functions.Nature> watched = writes ? VARYING : DOING;
    Map<String, Integer> said = new HashMap<>();
    Matcher tokens = TOKEN.matcher(sql);
    while (tokens.find()) {
      if (tokens.group("call") == null || tokens.group("before") != null) {
        continue;
      }
      String name = tokens.group("name").replaceAll("\\s", "");
      String plain = Functions.plain(name).toLowerCase(Locale.ROOT);
      if (WORDS.contains(plain)) {
        continue;
      }
      Functions.Nature nature = Functions.of(name, 2);
      if (nature == Functions.Nature.UNKNOWN) {
        return Optional.of("it may call " + plain + "(), of which nothing is known");
      } else if (watched.contains(nature)
          && said.merge(plain, 1, Integer::sum) > met.getOrDefault(plain, 0)) {
        return Optional.of("it calls " + plain + "() in a place that is not understood");
      }
    }
    return Optional.empty();
  }
}
