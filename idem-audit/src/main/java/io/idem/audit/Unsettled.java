package io.idem.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.CaseExpression;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.DateTimeLiteralExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.IntervalExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.operators.arithmetic.Addition;
import net.sf.jsqlparser.expression.operators.arithmetic.Subtraction;
import net.sf.jsqlparser.expression.operators.relational.EqualsTo;
import net.sf.jsqlparser.expression.operators.relational.ParenthesedExpressionList;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import org.jspecify.annotations.Nullable;

/**
 * Values that may be others at the next execution though no function in them is known for that:
 * those of any rows, and times to which the database adds the day.
 */
final class Unsettled {

  private static final Set<String> TIMES =
      Set.of("maketime", "make_time", "sec_to_time", "timediff", "time");

  /** What they give is of the kind of their first argument. */
  private static final Set<String> MOVES =
      Set.of("addtime", "subtime", "date_add", "adddate", "date_sub", "subdate", "dateadd");

  private static final Set<String> CHOICES =
      Set.of("coalesce", "ifnull", "nvl", "nullif", "if", "greatest", "least");

  private static final Pattern TIME = Pattern.compile("time\\b(?!stamp).*");
  private static final Pattern WITH_DAY = Pattern.compile("(datetime|timestamp|date)\\b.*");

  /** The parts of a day in a format of MySQL's. */
  private static final Pattern DAY_FORMAT = Pattern.compile("%[YyDdecbMmjUuVvXx]");

  private final UniqueKeys keys;

  Unsettled(UniqueKeys keys) {
    this.keys = keys;
  }

  /** What a value is that differs from one execution to the next, as an end of a sentence. */
  @Nullable String in(Expression value) {
    return isTimeOfDay(value)
        ? "is set to a time without a day ("
            + Written.text(value)
            + "), to which a column with one adds today"
        : anyRows(Scan.of(value)).map(rows -> "comes from " + rows).findFirst().orElse(null);
  }

  /** The queries that take any rows, for a reader. */
  Stream<String> anyRows(Scan scan) {
    return anyRows(scan.unordered);
  }

  Stream<String> anyRows(List<Select> unordered) {
    return unordered.stream()
        .filter(select -> !isOneRow(select))
        .map(select -> Written.text(select) + ", which takes any of the rows that match");
  }

  /** The first of several, for a reader; or null. */
  @Nullable String anyRowsOf(Stream<Scan> scans) {
    return scans.flatMap(this::anyRows).findFirst().orElse(null);
  }

  private boolean isOneRow(Select select) {
    if (!(select instanceof PlainSelect plain)
        || !(plain.getFromItem() instanceof Table table)
        || plain.getJoins() != null) {
      return false;
    }
    List<String> pinned = pinned(plain.getWhere(), table);
    return keys.of(table.getUnquotedSchemaName(), table.getUnquotedName()).stream()
        .anyMatch(key -> pinned.containsAll(key.columns()));
  }

  /** The columns of a table that are compared for equality with a value from outside of it. */
  private static List<String> pinned(@Nullable Expression where, Table table) {
    List<String> pinned = new ArrayList<>();
    for (Expression condition : Guards.conjuncts(where)) {
      if (condition instanceof EqualsTo equals) {
        Expression left = Literals.bare(equals.getLeftExpression());
        Expression right = Literals.bare(equals.getRightExpression());
        if (left instanceof Column column && isOf(column, table) && isOutside(right, table)) {
          pinned.add(Names.of(column));
        }
        if (right instanceof Column column && isOf(column, table) && isOutside(left, table)) {
          pinned.add(Names.of(column));
        }
      }
    }
    return pinned;
  }

  /** A bare name that is a key's is the table's own. */
  private static boolean isOf(Column column, Table table) {
    return column.getTable() == null || isNamed(column, table);
  }

  private static boolean isOutside(Expression value, Table table) {
    return Literals.isConstant(value)
        || (value instanceof Column column && column.getTable() != null && !isNamed(column, table));
  }

  private static boolean isNamed(Column column, Table table) {
    String name = table.getAlias() == null ? Names.of(table) : Names.of(table.getAlias());
    return column.getTable() != null && Names.of(column.getTable()).equals(name);
  }

  /**
   * Whether a value is a time of day, so that MariaDB, MySQL and H2 add the current day where it
   * becomes a date and time. PostgreSQL refuses that.
   */
  static boolean isTimeOfDay(@Nullable Expression value) {
    if (value instanceof ParenthesedExpressionList<?> list) {
      return list.size() == 1 && isTimeOfDay(list.get(0));
    } else if (value instanceof DateTimeLiteralExpression literal) {
      return literal.getType() != null && isTime(literal.getType().name());
    } else if (value instanceof CastExpression cast && cast.getColDataType() != null) {
      String type = cast.getColDataType().toString();
      return isTime(type)
          || (WITH_DAY.matcher(type.toLowerCase(Locale.ROOT)).matches()
              && isTimeOfDay(cast.getLeftExpression()));
    } else if (value instanceof CaseExpression choice) {
      return isTimeOfDay(choice.getElseExpression())
          || choice.getWhenClauses().stream().anyMatch(w -> isTimeOfDay(w.getThenExpression()));
    } else if (value instanceof Addition || value instanceof Subtraction) {
      BinaryExpression moved = (BinaryExpression) value;
      return moved.getRightExpression() instanceof IntervalExpression
          && isTimeOfDay(moved.getLeftExpression());
    }
    return value instanceof Function function
        && function.getParameters() != null
        && !function.getParameters().isEmpty()
        && isTimeOfDay(Functions.plain(function.getName()), function.getParameters());
  }

  private static boolean isTimeOfDay(String function, List<? extends Expression> arguments) {
    if (MOVES.contains(function)) {
      return isTimeOfDay(arguments.get(0));
    } else if (CHOICES.contains(function)) {
      return arguments.stream().anyMatch(Unsettled::isTimeOfDay);
    } else if (function.equals("timestamp")) {
      return arguments.size() == 1 && isTimeOfDay(arguments.get(0));
    } else if (function.equals("str_to_date")) {
      return arguments.size() != 2
          || !(arguments.get(1) instanceof StringValue format)
          || !DAY_FORMAT.matcher(format.getValue()).find();
    }
    return TIMES.contains(function);
  }

  private static boolean isTime(String type) {
    return TIME.matcher(type.toLowerCase(Locale.ROOT)).matches();
  }
}
