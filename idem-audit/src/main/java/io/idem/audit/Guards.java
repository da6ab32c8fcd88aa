package io.idem.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.NotExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.TimeKeyExpression;
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

  private static final Pattern STRING = Pattern.compile("'(?:[^']|'')*+'");

  private Guards() {}

  /**
   * A condition that fails for what it has let through.
   *
   * @param column the one that decides
   * @param why for a reader
   */
  record Guard(Column column, String why) {

    @Override
    public String toString() {
      return Names.of(column) + why;
    }
  }

  /**
   * Looks for one among the conditions that must all hold.
   *
   * @param where the condition of the statement
   * @param values what the statement sets, by column
   * @param changed which columns are its own
   * @return why a repeat finds no row, or null if it may find some
   */
  static @Nullable Guard find(
      @Nullable Expression where, Map<String, Expression> values, Changed changed) {
    for (Expression condition : conjuncts(where)) {
      Guard found = guard(condition, values, changed);
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
        Expression left = Literals.bare(equals.getLeftExpression());
        Expression right = Literals.bare(equals.getRightExpression());
        if (left instanceof Column column && Literals.isConstant(right)) {
          pinned.add(Names.of(column));
        } else if (right instanceof Column column && Literals.isConstant(left)) {
          pinned.add(Names.of(column));
        }
      }
    }
    return pinned;
  }

  static List<Expression> conjuncts(@Nullable Expression where) {
    List<Expression> all = new ArrayList<>();
    if (where != null && STRING.matcher(where.toString()).replaceAll("").contains("||")) {
      all.add(where); // in MySQL this is OR, so that none of its parts need hold
    } else {
      collect(where, all);
    }
    return all;
  }

  private static void collect(@Nullable Expression where, List<Expression> all) {
    if (where == null) {
      return;
    }
    Expression bare = Literals.bare(where);
    if (bare instanceof AndExpression and) {
      collect(and.getLeftExpression(), all);
      collect(and.getRightExpression(), all);
    } else {
      all.add(bare);
    }
  }

  private static @Nullable Guard guard(
      Expression condition, Map<String, Expression> values, Changed changed) {
    if (condition instanceof BinaryExpression comparison) {
      return comparison(comparison, values, changed);
    }
    Column column = null;
    if (condition instanceof IsNullExpression isNull) {
      column = column(isNull.getLeftExpression());
    } else if (condition instanceof InExpression in) {
      column = column(in.getLeftExpression());
    } else if (condition instanceof NotExpression not) {
      column = column(not.getExpression());
    } else if (condition instanceof Column flag) {
      column = flag;
    }
    Expression written = column == null ? null : value(column, values, changed);
    if (column == null || written == null) {
      return null;
    }
    String why;
    if (condition instanceof IsNullExpression isNull) {
      why = nullGuard(isNull.isNot() || isNull.isUseNotNull(), written);
    } else if (condition instanceof InExpression in) {
      why = listGuard(in, written);
    } else {
      boolean becomes = condition instanceof NotExpression;
      why =
          Objects.equals(Literals.truth(written), becomes)
              ? " must not be " + becomes + " yet"
              : null;
    }
    return why == null ? null : new Guard(column, why);
  }

  private static @Nullable Column column(Expression side) {
    return Literals.bare(side) instanceof Column column ? column : null;
  }

  private static @Nullable Expression value(
      Column column, Map<String, Expression> values, Changed changed) {
    return changed.isNamed(column)
            && changed.isOfTheOneTable(column)
            && changed.isWrittenAlike(column)
        ? values.get(Names.of(column))
        : null;
  }

  private static @Nullable Guard comparison(
      BinaryExpression comparison, Map<String, Expression> values, Changed changed) {
    Expression left = Literals.bare(comparison.getLeftExpression());
    Expression right = Literals.bare(comparison.getRightExpression());
    Column column = left instanceof Column first ? first : null;
    Expression expected = right;
    if ((column == null || value(column, values, changed) == null)
        && right instanceof Column second) {
      column = second;
      expected = left;
    }
    Expression written = column == null ? null : value(column, values, changed);
    if (column == null || written == null) {
      return null;
    }
    String why = compareGuard(column, comparison, expected, written, changed);
    return why == null ? null : new Guard(column, why);
  }

  private static @Nullable String compareGuard(
      Column column,
      BinaryExpression comparison,
      Expression expected,
      Expression written,
      Changed changed) {
    if (comparison instanceof EqualsTo) {
      if (!Literals.isConstant(expected)) {
        return null;
      }
      return isStep(column, written, changed)
          ? " must be as expected, and is moved on"
          : differs(expected, written);
    }
    if (comparison instanceof NotEqualsTo) {
      return isSame(expected, written, changed) ? " must not be what it is set to yet" : null;
    }
    if (comparison instanceof MinorThan || comparison instanceof GreaterThan) {
      if (isSame(expected, written, changed)) {
        return " must not be as far as what it is set to yet";
      }
      Expression value = Literals.bare(written);
      return Written.isParameter(expected)
              && Written.isParameter(value)
              && Written.parameterName(expected) == null
              && Written.parameterName(value) == null
          ? " must not be as far as what it is set to yet, if both parameters are the same"
          : null;
    }
    return null;
  }

  /** That a value, once written, is no longer the expected one. */
  private static @Nullable String differs(Expression expected, Expression written) {
    return switch (difference(expected, written)) {
      case YES ->
          " must be " + Literals.bare(expected) + ", and is set to " + Literals.bare(written);
      case IF_PARAMETERS_DO ->
          " must be as expected, and is set to another value, if the two differ";
      case UNKNOWN -> null;
    };
  }

  private enum Difference {
    YES,
    IF_PARAMETERS_DO,
    UNKNOWN
  }

  private static Difference difference(Expression expected, Expression written) {
    Expression before = Literals.bare(expected);
    Expression after = Literals.bare(written);
    if (Literals.differ(before, after)) {
      return Difference.YES;
    }
    boolean parameters = Written.isParameter(before) || Written.isParameter(after);
    return parameters
            && Literals.isConstant(before)
            && Literals.isConstant(after)
            && !Literals.same(before, after)
        ? Difference.IF_PARAMETERS_DO
        : Difference.UNKNOWN;
  }

  /** A column is the same afterwards only if it is not changed and each row meets itself alone. */
  private static boolean isSame(Expression expected, Expression written, Changed changed) {
    Expression value = Literals.bare(written);
    if (expected instanceof Column column) {
      return changed.isAlone()
          && !changed.isOfChangedRow(column)
          && Literals.truth(column) == null
          && value instanceof Column
          && column.toString().equalsIgnoreCase(value.toString());
    }
    return Literals.same(expected, value);
  }

  /** {@code version + 1}: never what it was. */
  private static boolean isStep(Column column, Expression written, Changed changed) {
    return Literals.bare(written) instanceof BinaryExpression sum
        && (sum instanceof Addition || sum instanceof Subtraction)
        && Literals.bare(sum.getLeftExpression()) instanceof Column own
        && Names.of(own).equals(Names.of(column))
        && changed.isOfTheOneTable(own)
        && sum.getRightExpression() instanceof LongValue step
        && !Objects.equals(step.getStringValue().replace("0", ""), "");
  }

  private static @Nullable String nullGuard(boolean not, Expression written) {
    if (not) {
      return Written.isNull(written) ? " must be set, and is set to null" : null;
    }
    Expression value = Literals.bare(written);
    if (Written.isParameter(value)) {
      return " must be null, and is set, if the parameter is not null";
    }
    return isFilled(value) ? " must be null, and is set" : null;
  }

  /** A literal that is no empty string, which some databases take for null, or a bare clock. */
  private static boolean isFilled(Expression value) {
    if (value instanceof StringValue text) {
      return !text.getValue().isBlank();
    }
    boolean called =
        value instanceof Function function
            && (function.getParameters() == null
                || function.getParameters().stream().allMatch(LongValue.class::isInstance));
    return Literals.isPlain(value)
        || value instanceof LongValue
        || ((called || value instanceof TimeKeyExpression || value instanceof Column)
            && Scan.of(value).calls(Functions.Nature.CLOCK));
  }

  private static @Nullable String listGuard(InExpression in, Expression written) {
    if (!(in.getRightExpression() instanceof ExpressionList<?> list)) {
      return null;
    }
    if (in.isNot()) {
      return list.stream().anyMatch(each -> Literals.same(each, written))
          ? " must be none of a list that has what it is set to"
          : null;
    }
    List<Difference> differences =
        list.stream().map(each -> difference(each, written)).distinct().toList();
    if (differences.contains(Difference.UNKNOWN)) {
      return null;
    }
    return " must be one of a list, and is set to a value that is not in it"
        + (differences.contains(Difference.IF_PARAMETERS_DO)
            ? ", if none of the parameters is"
            : "");
  }
}
