package io.idem.audit;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.ArrayConstructor;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.BooleanValue;
import net.sf.jsqlparser.expression.CaseExpression;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.CollateExpression;
import net.sf.jsqlparser.expression.DateTimeLiteralExpression;
import net.sf.jsqlparser.expression.DateValue;
import net.sf.jsqlparser.expression.DoubleValue;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.ExtractExpression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.HexValue;
import net.sf.jsqlparser.expression.IntervalExpression;
import net.sf.jsqlparser.expression.JdbcNamedParameter;
import net.sf.jsqlparser.expression.JdbcParameter;
import net.sf.jsqlparser.expression.JsonExpression;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.NotExpression;
import net.sf.jsqlparser.expression.NullValue;
import net.sf.jsqlparser.expression.NumericBind;
import net.sf.jsqlparser.expression.SignedExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.TimeKeyExpression;
import net.sf.jsqlparser.expression.TimeValue;
import net.sf.jsqlparser.expression.TimestampValue;
import net.sf.jsqlparser.expression.TimezoneExpression;
import net.sf.jsqlparser.expression.TrimFunction;
import net.sf.jsqlparser.expression.operators.relational.Between;
import net.sf.jsqlparser.expression.operators.relational.ExistsExpression;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.FullTextSearch;
import net.sf.jsqlparser.expression.operators.relational.InExpression;
import net.sf.jsqlparser.expression.operators.relational.IsBooleanExpression;
import net.sf.jsqlparser.expression.operators.relational.IsNullExpression;
import net.sf.jsqlparser.expression.operators.relational.NamedExpressionList;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import org.jspecify.annotations.Nullable;

/**
 * Whether an expression consists of nothing but what this module knows how to read. A parser grows
 * new kinds of expressions, and a visitor may pass over a part of one in silence: what is not on
 * this list, and what a text mentions but the visitor did not meet, is not known.
 */
final class Understood {

  private static final Set<Class<?>> LEAVES =
      Set.of(
          JdbcParameter.class,
          JdbcNamedParameter.class,
          NumericBind.class,
          LongValue.class,
          DoubleValue.class,
          StringValue.class,
          HexValue.class,
          BooleanValue.class,
          NullValue.class,
          DateValue.class,
          TimeValue.class,
          TimestampValue.class,
          DateTimeLiteralExpression.class,
          TimeKeyExpression.class);

  private static final Pattern STRING = Pattern.compile("'(?:[^']|'')*+'");
  private static final Pattern WORD = Pattern.compile("[\\p{L}_][\\p{L}\\p{N}_$]*+");

  private Understood() {}

  /**
   * Whether a value is read completely.
   *
   * @param value what is assigned
   * @param scan what was found in it
   * @param changed what the statement changes
   */
  static boolean is(Expression value, Scan scan, Changed changed) {
    return isKnown(value) && isAccountedFor(value.toString(), scan, changed);
  }

  private static boolean isKnown(@Nullable Expression value) {
    if (value == null || LEAVES.contains(value.getClass())) {
      return true;
    }
    if (value instanceof Column column) {
      return column.getArrayConstructor() == null;
    } else if (value instanceof NamedExpressionList<?> || value instanceof FullTextSearch) {
      return false;
    } else if (value instanceof ExpressionList<?> list) {
      return list.stream().allMatch(Understood::isKnown);
    } else if (value instanceof BinaryExpression binary) {
      return isKnown(binary.getLeftExpression()) && isKnown(binary.getRightExpression());
    } else if (value instanceof Function function) {
      return isKnown(function);
    } else if (value instanceof CaseExpression choice) {
      return isKnown(choice.getSwitchExpression())
          && isKnown(choice.getElseExpression())
          && choice.getWhenClauses().stream()
              .allMatch(
                  when -> isKnown(when.getWhenExpression()) && isKnown(when.getThenExpression()));
    } else if (value instanceof Between between) {
      return isKnown(between.getLeftExpression())
          && isKnown(between.getBetweenExpressionStart())
          && isKnown(between.getBetweenExpressionEnd());
    } else if (value instanceof InExpression in) {
      return isKnown(in.getLeftExpression()) && isKnown(in.getRightExpression());
    } else if (value instanceof TimezoneExpression zone) {
      return isKnown(zone.getLeftExpression())
          && zone.getTimezoneExpressions().stream().allMatch(Understood::isKnown);
    } else if (value instanceof JsonExpression json) {
      return isKnown(json.getExpression())
          && json.getIdentList().stream().allMatch(ident -> isKnown(ident.getKey()));
    } else if (value instanceof TrimFunction trim) {
      return isKnown(trim.getExpression()) && isKnown(trim.getFromExpression());
    } else if (value instanceof ArrayConstructor array) {
      return isKnown(array.getExpressions());
    }
    return value instanceof ParenthesedSelect // by its words, and by what is found in it
        || isKnownAround(value);
  }

  /** Expressions around one other. */
  private static boolean isKnownAround(Expression value) {
    if (value instanceof SignedExpression signed) {
      return isKnown(signed.getExpression());
    } else if (value instanceof CastExpression cast) {
      return isKnown(cast.getLeftExpression());
    } else if (value instanceof CollateExpression collated) {
      return isKnown(collated.getLeftExpression());
    } else if (value instanceof NotExpression not) {
      return isKnown(not.getExpression());
    } else if (value instanceof IsNullExpression isNull) {
      return isKnown(isNull.getLeftExpression());
    } else if (value instanceof IsBooleanExpression isTrue) {
      return isKnown(isTrue.getLeftExpression());
    } else if (value instanceof ExistsExpression exists) {
      return isKnown(exists.getRightExpression());
    } else if (value instanceof ExtractExpression extract) {
      return isKnown(extract.getExpression());
    }
    return value instanceof IntervalExpression interval && isKnown(interval.getExpression());
  }

  private static boolean isKnown(Function function) {
    return function.getClass() == Function.class
        && function.getNamedParameters() == null
        && function.getChainedParameters() == null
        && function.getAttribute() == null
        && function.getKeep() == null
        && function.getHavingClause() == null
        && isKnown(function.getParameters());
  }

  /** A net below the list: each mention of a changed name is one that the visitor has met. */
  static boolean isAccountedFor(String text, Scan scan, Changed changed) {
    Map<String, Integer> met = new HashMap<>();
    scan.words.forEach(word -> met.merge(word, 1, Integer::sum));
    for (List<Column> columns : List.of(scan.columns, scan.queried)) {
      for (Column column : columns) {
        String qualifier = Names.qualifierOf(column);
        // Alone, the name of a table is a whole row of it; a qualifier may be a composite column.
        if (qualifier != null || !changed.tableNames().contains(Names.of(column))) {
          met.merge(Names.of(column), 1, Integer::sum);
        }
        if (qualifier != null && changed.isSource(qualifier)) {
          met.merge(qualifier, 1, Integer::sum);
        }
      }
    }
    Map<String, Integer> said = new HashMap<>();
    Matcher words = WORD.matcher(STRING.matcher(text).replaceAll("''"));
    while (words.find()) {
      said.merge(words.group().toLowerCase(Locale.ROOT), 1, Integer::sum);
    }
    return Stream.concat(changed.columnNames().stream(), changed.tableNames().stream())
        .allMatch(name -> said.getOrDefault(name, 0) <= met.getOrDefault(name, 0));
  }

  /** The words of a name or a type. */
  static List<String> wordsOf(@Nullable String name) {
    return name == null
        ? List.of()
        : WORD.matcher(name).results().map(word -> word.group().toLowerCase(Locale.ROOT)).toList();
  }
}
