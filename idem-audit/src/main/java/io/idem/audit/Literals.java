package io.idem.audit;

import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.BooleanValue;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.SignedExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.operators.relational.ParenthesedExpressionList;
import net.sf.jsqlparser.schema.Column;
import org.jspecify.annotations.Nullable;

/**
 * Values that a condition compares a column with and that a statement writes to it. Two literals
 * are different ones only if no type of the column makes them the same: words, whole numbers and
 * truth values, each with its like. Times, fractions, prefixed strings and anything else may be
 * held for alike, rounded or converted.
 */
final class Literals {

  /** Letters, in groups; digits only behind a name, so that it is no number and no time. */
  private static final Pattern WORD =
      Pattern.compile("[A-Za-z]+([ _-][A-Za-z]+)*|[A-Za-z]{2,}(_[A-Za-z0-9]+)+");

  /** Numbers that each numeric type holds as they are. */
  private static final Pattern NUMBER = Pattern.compile("[+-]?\\d{1,7}");

  private static final Pattern HEX = Pattern.compile("[A-Fa-f-]{32,}");

  /** What a truth value, a time, a number or a document may be written as. */
  private static final Set<String> CONVERTED =
      Stream.of("true", "false", "yes", "no", "on", "off")
          .flatMap(
              word ->
                  Stream.iterate(1, n -> n <= word.length(), n -> n + 1)
                      .map(n -> word.substring(0, n)))
          .collect(Collectors.toSet());

  private static final Set<String> SPECIAL =
      Set.of(
          "now",
          "today",
          "tomorrow",
          "yesterday",
          "epoch",
          "infinity",
          "inf",
          "nan",
          "allballs",
          "null",
          "empty");

  private Literals() {}

  /** Without parentheses, and without the type of a parameter. */
  static Expression bare(Expression value) {
    Expression bare = value;
    while (bare instanceof ParenthesedExpressionList<?> list && list.size() == 1) {
      bare = list.get(0);
    }
    return bare instanceof CastExpression && Written.isParameter(bare)
        ? Written.unwrap(bare)
        : bare;
  }

  /** Whether something is a value of its own: a literal or a parameter. */
  static boolean isConstant(Expression value) {
    Expression bare = bare(value);
    return Written.isParameter(bare)
        || (!(bare instanceof CastExpression) && Written.literal(bare) != null);
  }

  /** The truth value that something is written as, or null. */
  static @Nullable Boolean truth(Expression value) {
    Expression bare = bare(value);
    if (bare instanceof BooleanValue truth) {
      return truth.getValue();
    }
    if (bare instanceof Column column && column.getTable() == null) {
      return switch (Names.of(column)) {
        case "true" -> true;
        case "false" -> false;
        default -> null;
      };
    }
    return null;
  }

  /** A whole number as a column of any type holds it, or null. */
  static @Nullable Integer number(Expression value) {
    Expression bare = bare(value);
    String text =
        bare instanceof LongValue number
            ? number.getStringValue()
            : bare instanceof SignedExpression signed
                    && signed.getExpression() instanceof LongValue number
                ? signed.getSign() + number.getStringValue()
                : "";
    return NUMBER.matcher(text).matches() ? Integer.valueOf(text) : null;
  }

  /** A word that no type of column takes for something else, as it is compared; or null. */
  static @Nullable String word(Expression value) {
    if (!(bare(value) instanceof StringValue text)
        || text.getPrefix() != null
        || !"'".equals(text.getQuoteStr())) {
      return null;
    }
    String word = text.getValue();
    String plain = word.toLowerCase(Locale.ROOT);
    boolean other =
        !WORD.matcher(word).matches()
            || HEX.matcher(word).matches()
            || CONVERTED.contains(plain)
            || SPECIAL.contains(plain);
    // Collations may pass over case and punctuation.
    return other ? null : plain.replaceAll("[ _-]", "");
  }

  /** Whether a literal is of a kind that a column holds as it is written. */
  static boolean isPlain(Expression value) {
    return truth(value) != null || number(value) != null || word(value) != null;
  }

  /** Whether no column takes the one for the other. */
  static boolean differ(Expression one, Expression other) {
    Boolean truth = truth(one);
    Integer number = number(one);
    String word = word(one);
    if (truth != null) {
      Boolean another = truth(other);
      return another != null && !truth.equals(another);
    } else if (number != null) {
      Integer another = number(other);
      return another != null && !number.equals(another);
    } else if (word != null) {
      String another = word(other);
      return another != null && !word.equals(another);
    }
    return false;
  }

  /** Whether both are the same, as they stand there. */
  static boolean same(Expression one, Expression other) {
    Expression left = bare(one);
    Expression right = bare(other);
    String parameter = Written.parameterName(left);
    return (parameter != null && parameter.equals(Written.parameterName(right)))
        || (isPlain(left) && isPlain(right) && left.toString().equals(right.toString()));
  }
}
