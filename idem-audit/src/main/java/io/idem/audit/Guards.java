package io.idem.audit;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.NotExpression;
import net.sf.jsqlparser.expression.operators.arithmetic.Addition;
import net.sf.jsqlparser.expression.operators.arithmetic.Subtraction;
import net.sf.jsqlparser.expression.operators.conditional.AndExpression;
import net.sf.jsqlparser.expression.operators.relational.EqualsTo;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.GreaterThan;
import net.sf.jsqlparser.expression.operators.relational.InExpression;
import net.sf.jsqlparser.expression.operators.relational.IsNullExpression;
import net.sf.jsqlparser.expression.operators.relational.MinorThan;
import net.sf.jsqlparser.expression.operators.relational.NotEqualsTo;
import net.sf.jsqlparser.schema.Column;
import org.jspecify.annotations.Nullable;

/**
 * Conditions that no longer hold for a row once the statement has changed it, so that a repeat
 * finds none: compare and set.
 */
final class Guards {

  private Guards() {}

  /**
   * Looks for one among the conditions that must all hold.
   *
   * @param where the condition of the statement
   * @param values what the statement sets, by column
   * @param target which columns are its own
   * @return why a repeat finds no row, or null if it may find some
   */
  static @Nullable String find(
      @Nullable Expression where, Map<String, Expression> values, Written.Target target) {
    for (Expression condition : conjuncts(where)) {
      String found = guard(condition, values, target);
      if (found != null) {
        return found;
      }
    }
    return null;
  }

  /** The columns that are compared with a value from elsewhere, for equality. */
  static List<String> pinned(@Nullable Expression where) {
    List<String> pinned = new ArrayList<>();
    for (Expression condition : conjuncts(where)) {
      if (condition instanceof EqualsTo equals) {
        Expression left = Written.unwrap(equals.getLeftExpression());
        Expression right = Written.unwrap(equals.getRightExpression());
        if (left instanceof Column column && isConstant(right)) {
          pinned.add(Names.of(column));
        } else if (right instanceof Column column && isConstant(left)) {
          pinned.add(Names.of(column));
        }
      }
    }
    return pinned;
  }

  private static boolean isConstant(Expression value) {
    return Written.isParameter(value) || Written.literal(value) != null;
  }

  static List<Expression> conjuncts(@Nullable Expression where) {
    List<Expression> all = new ArrayList<>();
    collect(where, all);
    return all;
  }

  private static void collect(@Nullable Expression where, List<Expression> all) {
    if (where == null) {
      return;
    }
    Expression bare = Written.unwrap(where);
    if (bare instanceof AndExpression and) {
      collect(and.getLeftExpression(), all);
      collect(and.getRightExpression(), all);
    } else {
      all.add(bare);
    }
  }

  private static @Nullable String guard(
      Expression condition, Map<String, Expression> values, Written.Target target) {
    if (condition instanceof IsNullExpression isNull
        && Written.unwrap(isNull.getLeftExpression()) instanceof Column column) {
      return nullGuard(column, isNull.isNot(), values, target);
    }
    if (condition instanceof InExpression in
        && Written.unwrap(in.getLeftExpression()) instanceof Column column) {
      return listGuard(column, in, values, target);
    }
    if (condition instanceof NotExpression not
        && Written.unwrap(not.getExpression()) instanceof Column column) {
      return flagGuard(column, "true", values, target);
    }
    if (condition instanceof Column column) {
      return flagGuard(column, "false", values, target);
    }
    if (!(condition instanceof BinaryExpression comparison)) {
      return null;
    }
    Expression left = Written.unwrap(comparison.getLeftExpression());
    Expression right = Written.unwrap(comparison.getRightExpression());
    if (left instanceof Column column && value(column, values, target) != null) {
      return compareGuard(column, comparison, right, values, target);
    } else if (right instanceof Column column) {
      return compareGuard(column, comparison, left, values, target);
    }
    return null;
  }

  private static @Nullable Expression value(
      Column column, Map<String, Expression> values, Written.Target target) {
    return target.isOfChangedRow(column) ? values.get(Names.of(column)) : null;
  }

  private static @Nullable String compareGuard(
      Column column,
      BinaryExpression comparison,
      Expression expected,
      Map<String, Expression> values,
      Written.Target target) {
    Expression written = value(column, values, target);
    if (written == null) {
      return null;
    }
    String name = Names.of(column);
    if (comparison instanceof EqualsTo) {
      if (!isConstant(expected)) {
        return null;
      }
      if (isStep(column, written)) {
        return name + " must be as expected, and is moved on";
      }
      return isConstant(written) ? differs(name, expected, written) : null;
    }
    if (expected instanceof Column other && target.isChanged(other)) {
      return null; // and so is not the same afterwards
    }
    if (comparison instanceof NotEqualsTo) {
      return isSame(expected, written) ? name + " must not be what it is set to yet" : null;
    }
    if (comparison instanceof MinorThan || comparison instanceof GreaterThan) {
      if (isSame(expected, written)) {
        return name + " must not be as far as what it is set to yet";
      }
      return Written.isParameter(expected)
              && Written.isParameter(written)
              && Written.parameterName(expected) == null
              && Written.parameterName(written) == null
          ? name + " must not be as far as what it is set to yet, if both parameters are the same"
          : null;
    }
    return null;
  }

  /** That a value, once written, is no longer the expected one. */
  private static @Nullable String differs(String name, Expression expected, Expression written) {
    String before = Written.literal(expected);
    String after = Written.literal(written);
    if (before != null && after != null) {
      return mayBeSame(before, after)
          ? null
          : name + " must be " + before + ", and is set to " + after;
    }
    if (isSame(expected, written)) {
      return null;
    }
    return name + " must be as expected, and is set to another value, if the two differ";
  }

  private static boolean mayBeSame(Expression one, Expression other) {
    String literal = Written.literal(one);
    String another = Written.literal(other);
    if (literal == null || another == null) {
      return isSame(one, other);
    }
    return mayBeSame(literal, another);
  }

  /** Databases compare without case, accents or trailing blanks, and numbers by value. */
  private static boolean mayBeSame(String one, String other) {
    String left = bare(one);
    String right = bare(other);
    if (left.equals(right)
        || !left.chars().allMatch(each -> each < 128)
        || !right.chars().allMatch(each -> each < 128)) {
      return true;
    }
    try {
      return new BigDecimal(left).compareTo(new BigDecimal(right)) == 0;
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static String bare(String literal) {
    String text = literal.toLowerCase(Locale.ROOT);
    return text.length() > 1 && text.startsWith("'") && text.endsWith("'")
        ? text.substring(1, text.length() - 1).strip()
        : text;
  }

  private static boolean isSame(Expression one, Expression other) {
    String literal = Written.literal(one);
    if (literal != null) {
      return literal.equals(Written.literal(other));
    }
    String parameter = Written.parameterName(one);
    return (parameter != null && parameter.equals(Written.parameterName(other)))
        || (one instanceof Column
            && one.toString().equalsIgnoreCase(Written.unwrap(other).toString()));
  }

  /** {@code version + 1}: never what it was. */
  private static boolean isStep(Column column, Expression written) {
    Expression bare = Written.unwrap(written);
    return (bare instanceof Addition || bare instanceof Subtraction)
        && bare instanceof BinaryExpression sum
        && Written.unwrap(sum.getLeftExpression()) instanceof Column own
        && Names.of(own).equals(Names.of(column))
        && sum.getRightExpression() instanceof LongValue step
        && !Objects.equals(step.getStringValue().replace("0", ""), "");
  }

  private static @Nullable String nullGuard(
      Column column, boolean not, Map<String, Expression> values, Written.Target target) {
    Expression written = value(column, values, target);
    if (written == null) {
      return null;
    }
    String name = Names.of(column);
    if (not) {
      return Written.isNull(written) ? name + " must be set, and is set to null" : null;
    }
    Scan scan = Scan.of(written);
    boolean filled =
        Written.literal(written) != null
            || Written.isParameter(written)
            || (scan.columns.isEmpty() && scan.calls(Functions.Nature.CLOCK));
    return filled
        ? name
            + " must be null, and is set"
            + (Written.isParameter(written) ? ", if the parameter is not null" : "")
        : null;
  }

  private static @Nullable String listGuard(
      Column column, InExpression in, Map<String, Expression> values, Written.Target target) {
    Expression written = value(column, values, target);
    if (written == null || !(in.getRightExpression() instanceof ExpressionList<?> list)) {
      return null;
    }
    String name = Names.of(column);
    boolean listed = list.stream().anyMatch(each -> mayBeSame(each, written));
    if (in.isNot()) {
      return list.stream().anyMatch(each -> isSame(each, written))
          ? name + " must be none of a list that has what it is set to"
          : null;
    }
    if (listed || !isConstant(written) || !list.stream().allMatch(Guards::isConstant)) {
      return null;
    }
    boolean literals =
        Written.literal(written) != null
            && list.stream().allMatch(each -> Written.literal(each) != null);
    return name
        + " must be one of a list, and is set to a value that is not in it"
        + (literals ? "" : ", if none of the parameters is");
  }

  private static @Nullable String flagGuard(
      Column column, String becomes, Map<String, Expression> values, Written.Target target) {
    Expression written = value(column, values, target);
    return written != null && becomes.equals(Written.literal(written))
        ? Names.of(column) + " must not be " + becomes + " yet"
        : null;
  }
}
