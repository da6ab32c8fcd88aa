package io.idem.audit;

import io.idem.audit.Functions.Nature;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.BooleanValue;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.CollateExpression;
import net.sf.jsqlparser.expression.DateTimeLiteralExpression;
import net.sf.jsqlparser.expression.DateValue;
import net.sf.jsqlparser.expression.DoubleValue;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.HexValue;
import net.sf.jsqlparser.expression.JdbcNamedParameter;
import net.sf.jsqlparser.expression.JdbcParameter;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.NullValue;
import net.sf.jsqlparser.expression.NumericBind;
import net.sf.jsqlparser.expression.SignedExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.TimeValue;
import net.sf.jsqlparser.expression.TimestampValue;
import net.sf.jsqlparser.expression.TrimFunction;
import net.sf.jsqlparser.expression.operators.arithmetic.BitwiseAnd;
import net.sf.jsqlparser.expression.operators.arithmetic.BitwiseOr;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.ParenthesedExpressionList;
import net.sf.jsqlparser.schema.Column;
import org.jspecify.annotations.Nullable;

/**
 * What a value that is written to a column is to a repeat.
 *
 * @param nature how it depends on what was there
 * @param why for a reader, as the end of a sentence that starts with the column
 */
record Written(Is nature, String why) {

  /** How a value depends on what was there before. */
  enum Is {
    /** Not at all. */
    ABSOLUTE,
    /** On the column itself, in a way that a second time changes nothing. */
    SETTLED,
    /** On what the statement changes. */
    RELATIVE,
    /** On the time or on chance. */
    NONDETERMINISTIC,
    /** On a function that nobody here knows. */
    UNKNOWN
  }

  private static final Set<String> KEEPS = Set.of("coalesce", "ifnull", "nvl");
  private static final Set<String> BOUNDS = Set.of("greatest", "least");
  private static final Set<String> CASES = Set.of("upper", "lower", "ucase", "lcase");
  private static final Set<String> TRIMS = Set.of("trim", "ltrim", "rtrim", "btrim");
  private static final Set<String> JSON_SETS =
      Set.of("json_set", "json_replace", "json_insert", "jsonb_set");

  /** Where a statement writes: which names mean what it changes. */
  interface Target {

    /** Whether a column is one of those that the statement changes. */
    boolean isChanged(Column column);

    /** Whether a column is one of those, of the very row that is changed. */
    boolean isOfChangedRow(Column column);

    /** Whether a column is called like one of those, whatever it is qualified with. */
    boolean isNamed(Column column);

    /** Whether a query reads the table that the statement changes. */
    boolean isRead(Scan query);
  }

  static Written of(Column column, Expression value, Target target) {
    Scan scan = Scan.of(value);
    String name = Names.of(column);
    String text = text(value);
    for (Nature nature : List.of(Nature.CLOCK, Nature.RANDOM, Nature.SEQUENCE)) {
      if (scan.calls(nature)) {
        return new Written(
            Is.NONDETERMINISTIC,
            name + " is set to " + scan.calledOf(nature) + ", which differs at each execution");
      }
    }
    if (scan.calls(Nature.EFFECT) || scan.calls(Nature.UNKNOWN) || scan.assigns) {
      return new Written(
          Is.UNKNOWN,
          name + " is set to a value of " + unknownOf(scan) + ", of which nothing is known");
    }
    if (isDefault(value)) {
      return new Written(Is.UNKNOWN, name + " is set to its default, which is not known");
    }
    boolean own = scan.columns.stream().anyMatch(target::isChanged);
    boolean queried = scan.queried.stream().anyMatch(each -> isCorrelated(each, scan, target));
    if (target.isRead(scan)) {
      queried |= scan.limited || scan.allColumns || scan.queried.stream().anyMatch(target::isNamed);
    } else if (!queried && scan.queried.stream().anyMatch(target::isChanged)) {
      return new Written(
          Is.UNKNOWN,
          name
              + " comes from a query that may read what is changed: its columns are not qualified");
    }
    if (!own && !queried) {
      return new Written(Is.ABSOLUTE, name + " is set to a value that does not depend on it");
    }
    if (!queried && isSettled(column, unwrap(value), target)) {
      return new Written(Is.SETTLED, name + " = " + text + " changes nothing a second time");
    }
    return new Written(
        Is.RELATIVE,
        own && scan.columns.stream().anyMatch(each -> Names.of(each).equals(name))
            ? name + " is computed from its old value (" + text + "), so a repeat changes it again"
            : name
                + " is computed from what the statement changes ("
                + text
                + "), so a repeat computes another value");
  }

  private static boolean isDefault(Expression value) {
    return unwrap(value) instanceof Column column
        && column.getTable() == null
        && Names.of(column).equals("default");
  }

  /** Whether a query reads the changed row itself, from around it. */
  private static boolean isCorrelated(Column column, Scan scan, Target target) {
    return target.isChanged(column) && (Names.qualifierOf(column) != null || scan.tables.isEmpty());
  }

  static String unknownOf(Scan scan) {
    return scan.calls(Nature.UNKNOWN)
        ? scan.calledOf(Nature.UNKNOWN)
        : scan.calls(Nature.EFFECT) ? scan.calledOf(Nature.EFFECT) : "a session variable";
  }

  /** Whether f(f(x)) = f(x) for the column x and everything else absolute. */
  private static boolean isSettled(Column column, Expression value, Target target) {
    if (isOwn(column, value)) {
      return true;
    }
    if (value instanceof BitwiseOr || value instanceof BitwiseAnd) {
      BinaryExpression bits = (BinaryExpression) value;
      return isOwnAnd(column, bits.getLeftExpression(), bits.getRightExpression(), target)
          || isOwnAnd(column, bits.getRightExpression(), bits.getLeftExpression(), target);
    }
    if (value instanceof TrimFunction trim && trim.getFromExpression() == null) {
      return isCaseOf(column, unwrap(trim.getExpression()));
    }
    if (!(value instanceof Function function) || function.getParameters() == null) {
      return false;
    }
    String name = Functions.plain(function.getName());
    List<? extends Expression> arguments = function.getParameters();
    if (CASES.contains(name) || TRIMS.contains(name)) {
      return isCaseOf(column, value);
    }
    Expression first = unwrap(arguments.get(0));
    boolean othersAbsolute =
        arguments.stream().skip(1).allMatch(other -> isAbsolute(other, target));
    if (KEEPS.contains(name)) {
      return isOwn(column, first) && othersAbsolute;
    }
    if (BOUNDS.contains(name)) {
      long own = arguments.stream().filter(each -> isOwnOrDefault(column, each, target)).count();
      return own == 1
          && arguments.stream()
              .filter(each -> !isOwnOrDefault(column, each, target))
              .allMatch(each -> isAbsolute(each, target));
    }
    if (name.equals("array_remove") || name.equals("json_merge_patch")) {
      return arguments.size() == 2 && isOwn(column, first) && othersAbsolute;
    }
    // A path of names sets a field; one with a number may append to an array.
    return JSON_SETS.contains(name)
        && isOwn(column, first)
        && othersAbsolute
        && arguments.size() > 2
        && arePathsOfNames(arguments, name.equals("jsonb_set") ? 2 : arguments.size());
  }

  private static boolean arePathsOfNames(List<? extends Expression> arguments, int end) {
    for (int i = 1; i < end; i += 2) {
      if (!isPathOfNames(arguments.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPathOfNames(Expression path) {
    return unwrap(path) instanceof StringValue text
        && text.getValue().matches("(\\$(\\.[A-Za-z_]\\w*)+|\\{[A-Za-z_]\\w*(,[A-Za-z_]\\w*)*})");
  }

  private static boolean isOwnOrDefault(Column column, Expression value, Target target) {
    Expression bare = unwrap(value);
    return isOwn(column, bare)
        || (bare instanceof Function function
            && function.getParameters() != null
            && KEEPS.contains(Functions.plain(function.getName()))
            && isOwn(column, unwrap(function.getParameters().get(0)))
            && function.getParameters().stream()
                .skip(1)
                .allMatch(each -> isAbsolute(each, target)));
  }

  /** Case and white space, in any order. */
  private static boolean isCaseOf(Column column, Expression value) {
    Expression bare = unwrap(value);
    if (isOwn(column, bare)) {
      return true;
    }
    if (bare instanceof TrimFunction trim) {
      return trim.getFromExpression() == null && isCaseOf(column, trim.getExpression());
    }
    return bare instanceof Function function
        && function.getParameters() != null
        && function.getParameters().size() == 1
        && (CASES.contains(Functions.plain(function.getName()))
            || TRIMS.contains(Functions.plain(function.getName())))
        && isCaseOf(column, function.getParameters().get(0));
  }

  private static boolean isOwnAnd(Column column, Expression own, Expression other, Target target) {
    return isOwn(column, unwrap(own)) && isAbsolute(other, target);
  }

  private static boolean isOwn(Column column, Expression value) {
    return value instanceof Column same
        && Names.of(same).equals(Names.of(column))
        && !"excluded".equals(Names.qualifierOf(same));
  }

  static boolean isAbsolute(Expression value, Target target) {
    Scan scan = Scan.of(value);
    return scan.columns.stream().noneMatch(target::isChanged)
        && scan.queried.stream().noneMatch(target::isNamed)
        && !(target.isRead(scan) && scan.allColumns);
  }

  /** Without what changes nothing about where a value comes from. */
  static Expression unwrap(Expression value) {
    Expression bare = value;
    while (true) {
      if (bare instanceof ParenthesedExpressionList<?> list && list.size() == 1) {
        bare = list.get(0);
      } else if (bare instanceof CastExpression cast) {
        bare = cast.getLeftExpression();
      } else if (bare instanceof CollateExpression collated) {
        bare = collated.getLeftExpression();
      } else {
        return bare;
      }
    }
  }

  /** A literal as text, such that the same text is the same value; null for anything else. */
  static @Nullable String literal(Expression value) {
    Expression bare = unwrap(value);
    if (bare instanceof SignedExpression signed
        && signed.getExpression() instanceof LongValue number) {
      return signed.getSign() + number.getStringValue();
    }
    if (bare instanceof Column column && column.getTable() == null) {
      String name = Names.of(column);
      return name.equals("true") || name.equals("false") ? name : null;
    }
    return bare instanceof StringValue
            || bare instanceof LongValue
            || bare instanceof DoubleValue
            || bare instanceof HexValue
            || bare instanceof BooleanValue
            || bare instanceof DateValue
            || bare instanceof TimeValue
            || bare instanceof TimestampValue
            || bare instanceof DateTimeLiteralExpression
        ? bare instanceof BooleanValue ? text(bare).toLowerCase(Locale.ROOT) : text(bare)
        : null;
  }

  static boolean isNull(Expression value) {
    return unwrap(value) instanceof NullValue;
  }

  static boolean isParameter(Expression value) {
    Expression bare = unwrap(value);
    return bare instanceof JdbcParameter
        || bare instanceof JdbcNamedParameter
        || bare instanceof NumericBind;
  }

  /** What tells a parameter from others, or null where only its place does. */
  static @Nullable String parameterName(Expression value) {
    Expression bare = unwrap(value);
    if (bare instanceof JdbcNamedParameter named) {
      return ":" + named.getName();
    }
    return bare instanceof JdbcParameter numbered && numbered.isUseFixedIndex()
        ? "?" + numbered.getIndex()
        : bare instanceof NumericBind bind ? ":" + bind.getBindId() : null;
  }

  /** For a reader; short. */
  static String text(Expression value) {
    String text = value.toString();
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }

  /** A list of values, whatever its form. */
  static List<? extends Expression> valuesOf(ExpressionList<?> list) {
    return list.size() == 1 && list.get(0) instanceof ParenthesedExpressionList<?> inner
        ? inner
        : list;
  }
}
