package io.idem.audit;

import io.idem.audit.Functions.Nature;
import java.util.List;
import java.util.Locale;
import net.sf.jsqlparser.expression.BooleanValue;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.CollateExpression;
import net.sf.jsqlparser.expression.DateTimeLiteralExpression;
import net.sf.jsqlparser.expression.DateValue;
import net.sf.jsqlparser.expression.DoubleValue;
import net.sf.jsqlparser.expression.Expression;
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
    /** On rows that a repeat may choose otherwise, or on the day. */
    UNSETTLED,
    /** On a function that nobody here knows. */
    UNKNOWN
  }

  static Written of(Column column, Expression value, Changed changed) {
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
    if (scan.skipsLocked) {
      return new Written(
          Is.NONDETERMINISTIC,
          name + " comes from rows that nobody has locked, others at each execution");
    }
    if (scan.calls(Nature.EFFECT) || scan.calls(Nature.UNKNOWN) || scan.assigns) {
      return new Written(
          Is.UNKNOWN,
          name + " is set to a value of " + unknownOf(scan) + ", of which nothing is known");
    }
    if (isDefault(value)) {
      return new Written(Is.UNKNOWN, name + " is set to its default, which is not known");
    }
    boolean own = scan.columns.stream().anyMatch(changed::isChanged);
    boolean queried = scan.queried.stream().anyMatch(each -> isCorrelated(each, scan, changed));
    if (changed.isRead(scan)) {
      queried |=
          scan.limited || scan.allColumns || scan.queried.stream().anyMatch(changed::isNamed);
    } else if (!queried && scan.queried.stream().anyMatch(changed::isChanged)) {
      return new Written(
          Is.UNKNOWN,
          name
              + " comes from a query that may read what is changed: its columns are not qualified");
    }
    boolean settled = !queried && own && Settled.is(column, unwrap(value), changed);
    if ((settled || (!own && !queried))
        && (column.getArrayConstructor() != null || !Understood.is(value, scan, changed))) {
      return new Written(
          Is.UNKNOWN, name + " is set in a way that is not understood completely (" + text + ")");
    }
    if (!own && !queried) {
      return new Written(Is.ABSOLUTE, name + " is set to a value that does not depend on it");
    }
    if (settled) {
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
  private static boolean isCorrelated(Column column, Scan scan, Changed changed) {
    return changed.isChanged(column)
        && (Names.qualifierOf(column) != null || scan.tables.isEmpty());
  }

  static String unknownOf(Scan scan) {
    return scan.calls(Nature.UNKNOWN)
        ? scan.calledOf(Nature.UNKNOWN)
        : scan.calls(Nature.EFFECT) ? scan.calledOf(Nature.EFFECT) : "a session variable";
  }

  static boolean isAbsolute(Expression value, Changed changed) {
    Scan scan = Scan.of(value);
    return scan.columns.stream().noneMatch(changed::isChanged)
        && scan.queried.stream().noneMatch(changed::isNamed)
        && !(changed.isRead(scan) && scan.allColumns);
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
    return text(value.toString());
  }

  static String text(String text) {
    return text.length() <= 60 ? text : text.substring(0, 57) + "...";
  }

  /** A list of values, whatever its form. */
  static List<? extends Expression> valuesOf(ExpressionList<?> list) {
    return list.size() == 1 && list.get(0) instanceof ParenthesedExpressionList<?> inner
        ? inner
        : list;
  }
}
