package io.idem.audit;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import net.sf.jsqlparser.expression.AllValue;
import net.sf.jsqlparser.expression.AnalyticExpression;
import net.sf.jsqlparser.expression.CastExpression;
import net.sf.jsqlparser.expression.DateTimeLiteralExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.IntervalExpression;
import net.sf.jsqlparser.expression.LongValue;
import net.sf.jsqlparser.expression.NextValExpression;
import net.sf.jsqlparser.expression.StringValue;
import net.sf.jsqlparser.expression.TimeKeyExpression;
import net.sf.jsqlparser.expression.UserVariable;
import net.sf.jsqlparser.expression.VariableAssignment;
import net.sf.jsqlparser.expression.operators.relational.ExistsExpression;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.Statement;
import net.sf.jsqlparser.statement.select.AllColumns;
import net.sf.jsqlparser.statement.select.AllTableColumns;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.FromItemVisitor;
import net.sf.jsqlparser.statement.select.Limit;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.SelectItem;
import net.sf.jsqlparser.statement.select.SetOperationList;
import net.sf.jsqlparser.statement.select.TableFunction;
import net.sf.jsqlparser.util.TablesNamesFinder;
import org.jspecify.annotations.Nullable;

/** Everything that an expression or a statement mentions, at whatever depth. Not thread-safe. */
final class Scan extends TablesNamesFinder<@Nullable Void> {

  private static final Set<String> TIMES =
      Set.of(
          "sysdate",
          "systimestamp",
          "localtime",
          "localtimestamp",
          "current_timestamp",
          "current_date",
          "current_time",
          "utc_timestamp",
          "utc_date",
          "utc_time");

  /** Columns that are none: the number of a row differs with the plan. */
  private static final Set<String> NUMBERS = Set.of("rownum", "rowid", "ctid", "_rowid_");

  /** Zones, and what else may stand beside a word for a time. */
  private static final String BESIDE =
      "utc|uct|gmt|am|pm|z|zulu|universal|greenwich|allballs|msk|cuba|eire|gb|hongkong|iran|israel"
          + "|jamaica|japan|kwajalein|libya|navajo|nz|poland|portugal|prc|roc|rok|singapore|turkey"
          + "|w-su|iceland|[a-z]++(/[a-z_]++)++";

  /** Before it, fewer words of three letters are taken for zones: "not now" is prose. */
  private static final String BEFORE =
      "([^a-z]|(?<![a-z])(" + BESIDE + "|[a-z][sd]t|[cew]et)(?![a-z]))*+";

  private static final String AFTER = "([^a-z]|(?<![a-z])(" + BESIDE + "|[a-z]{2,4}t)(?![a-z]))*+";

  /** A string that is nothing but a time relative to now, with its zone. */
  private static final Pattern RELATIVE_TIME =
      Pattern.compile(
          BEFORE + "(?<![a-z])(now|today|tomorrow|yesterday)(?![a-z])" + AFTER,
          Pattern.CASE_INSENSITIVE);

  /** Names of the functions that are called, by what they are to repeats. */
  final Map<Nature, Set<String>> functions = new EnumMap<>(Nature.class);

  /** How often each function is called, by its plain name. */
  final Map<String, Integer> calls = new HashMap<>();

  /** How often something of a nature stands there. */
  private final Map<Nature, Integer> times = new EnumMap<>(Nature.class);

  /** Columns outside any query. */
  final List<Column> columns = new ArrayList<>();

  /** Columns inside queries. */
  final List<Column> queried = new ArrayList<>();

  /** Names of everything but columns, once for each time they stand there; in lower case. */
  final List<String> words = new ArrayList<>();

  /** Tables inside queries. */
  final Set<String> tables = new LinkedHashSet<>();

  /** How often each table stands there. */
  private final Map<String, Integer> mentions = new HashMap<>();

  /** Whether a query takes a number of rows, whichever these are. */
  boolean limited;

  /** Queries that take a number of rows without an order that says which, or one of each group. */
  final List<Select> unordered = new ArrayList<>();

  /** Whether a query takes all columns, whichever these are. */
  boolean allColumns;

  /** Whether a query passes over rows that others have locked just then. */
  boolean skipsLocked;

  /** Whether a variable of the session is set. */
  boolean assigns;

  private int depth;

  /** Whether the next query is asked for nothing but whether it has a row. */
  private boolean anyRowWill;

  /** The part of a query that has the limit of all of it. */
  private @Nullable Select limitOfAll;

  private Scan() {
    init(true);
  }

  static Scan of(@Nullable Expression expression) {
    Scan scan = new Scan();
    if (expression != null) {
      expression.accept(scan, null);
    }
    return scan;
  }

  static Scan of(FromItem item) {
    Scan scan = new Scan();
    item.accept((FromItemVisitor<@Nullable Void>) scan, null);
    if (item instanceof TableFunction table) {
      table.getFunctions().forEach(function -> function.accept(scan, null));
    }
    return scan;
  }

  static Scan of(Statement statement) {
    Scan scan = new Scan();
    statement.accept(scan, null);
    return scan;
  }

  boolean calls(Nature nature) {
    return functions.containsKey(nature);
  }

  /** The functions of a nature, for a reader: {@code now()}. */
  String calledOf(Nature nature) {
    return String.join(", ", functions.getOrDefault(nature, Set.of()));
  }

  /** How often something of a nature stands there. */
  int times(Nature nature) {
    return times.getOrDefault(nature, 0);
  }

  /** How often a table stands there. */
  int mentions(String table) {
    return mentions.getOrDefault(table, 0);
  }

  /** The functions that have another answer at each execution, for a reader; or null. */
  @Nullable String varying() {
    for (Nature nature : List.of(Nature.RANDOM, Nature.SEQUENCE, Nature.CLOCK)) {
      if (calls(nature)) {
        return calledOf(nature);
      }
    }
    return skipsLocked ? "SKIP LOCKED" : null;
  }

  /** Whether a value may come from what is read elsewhere. */
  boolean readsColumns() {
    return !columns.isEmpty() || !queried.isEmpty() || allColumns;
  }

  private void note(Nature nature, String name) {
    times.merge(nature, 1, Integer::sum);
    functions.computeIfAbsent(nature, any -> new LinkedHashSet<>()).add(name);
  }

  @Override
  public <S> @Nullable Void visit(Function function, S context) {
    ExpressionList<?> parameters = function.getParameters();
    int arguments = parameters == null ? 0 : parameters.size();
    String name = function.getName();
    note(Functions.of(name, arguments), Functions.plain(name) + "()");
    calls.merge(Functions.plain(name), 1, Integer::sum);
    words.addAll(Understood.wordsOf(name));
    boolean before = allColumns;
    super.visit(function, context);
    if (arguments == 1 && parameters.get(0) instanceof AllColumns) {
      allColumns = before; // it counts rows
    }
    return null;
  }

  @Override
  public <S> @Nullable Void visit(AnalyticExpression expression, S context) {
    String name = expression.getName();
    note(Functions.of(name, 1), Functions.plain(name) + "()");
    calls.merge(Functions.plain(name), 1, Integer::sum);
    return super.visit(expression, context);
  }

  @Override
  public <S> @Nullable Void visit(NextValExpression expression, S context) {
    note(Nature.SEQUENCE, "nextval()");
    return super.visit(expression, context);
  }

  @Override
  public <S> @Nullable Void visit(TimeKeyExpression expression, S context) {
    String name = expression.getStringValue().toLowerCase(Locale.ROOT);
    note(Nature.CLOCK, name);
    calls.merge(name.replaceAll("[\\s()]", ""), 1, Integer::sum);
    return super.visit(expression, context);
  }

  /** PostgreSQL reads some words as times, whatever is around them. */
  @Override
  public <S> @Nullable Void visit(StringValue text, S context) {
    if (RELATIVE_TIME.matcher(text.getValue()).matches()) {
      note(Nature.CLOCK, "'" + text.getValue().strip() + "'");
    }
    return super.visit(text, context);
  }

  @Override
  public <S> @Nullable Void visit(DateTimeLiteralExpression literal, S context) {
    String value = literal.getValue().replace("'", "").strip();
    if (RELATIVE_TIME.matcher(value).matches()) {
      note(Nature.CLOCK, "'" + value + "'");
    }
    return super.visit(literal, context);
  }

  @Override
  public <S> @Nullable Void visit(UserVariable variable, S context) {
    note(Nature.RANDOM, variable.toString());
    return super.visit(variable, context);
  }

  @Override
  public <S> @Nullable Void visit(VariableAssignment assignment, S context) {
    assigns = true;
    return super.visit(assignment, context);
  }

  @Override
  public <S> @Nullable Void visit(Column column, S context) {
    String name = Names.of(column);
    if (column.getTable() == null && TIMES.contains(name)) {
      note(Nature.CLOCK, name);
    } else if (column.getTable() == null && NUMBERS.contains(name)) {
      note(Nature.RANDOM, name);
    } else if (column.getTable() != null && name.equals("nextval")) {
      note(Nature.SEQUENCE, "nextval()");
    } else if (column.getTable() != null && name.equals("currval")) {
      note(Nature.RANDOM, "currval()");
    } else if (depth > 0) {
      queried.add(column);
    } else {
      columns.add(column);
    }
    // Not what it is qualified with: that is no table which is read.
    return column.getArrayConstructor() == null
        ? null
        : column.getArrayConstructor().accept(this, context);
  }

  @Override
  public <S> @Nullable Void visit(AllColumns all, S context) {
    allColumns = true;
    return null;
  }

  @Override
  public <S> @Nullable Void visit(AllTableColumns all, S context) {
    allColumns = true;
    return null;
  }

  @Override
  public <S> @Nullable Void visit(Table table, S context) {
    tables.add(Names.of(table));
    mentions.merge(Names.of(table), 1, Integer::sum);
    words.addAll(Understood.wordsOf(table.getFullyQualifiedName()));
    words.addAll(Understood.wordsOf(Names.of(table.getAlias())));
    if (table.getSampleClause() != null) {
      note(Nature.RANDOM, "a sample of " + Names.of(table));
    }
    return super.visit(table, context);
  }

  @Override
  public <S> @Nullable Void visit(CastExpression cast, S context) {
    if (cast.getColDataType() != null) {
      words.addAll(Understood.wordsOf(cast.getColDataType().toString()));
    }
    return super.visit(cast, context);
  }

  @Override
  @SuppressWarnings("deprecation") // the parser has a plain unit nowhere else
  public <S> @Nullable Void visit(IntervalExpression interval, S context) {
    words.addAll(Understood.wordsOf(interval.getIntervalType()));
    if (interval.getIntervalQualifier() != null) {
      words.addAll(Understood.wordsOf(interval.getIntervalQualifier().toString()));
    }
    return super.visit(interval, context);
  }

  @Override
  public <S> @Nullable Void visit(ParenthesedSelect select, S context) {
    words.addAll(Understood.wordsOf(Names.of(select.getAlias())));
    boolean exists = anyRowWill;
    noteLimit(select);
    anyRowWill = exists;
    return super.visit(select, context);
  }

  @Override
  public <S> @Nullable Void visit(PlainSelect select, S context) {
    noteLimit(select);
    if (select.getSelectItems() != null) {
      for (SelectItem<?> item : select.getSelectItems()) {
        words.addAll(Understood.wordsOf(Names.of(item.getAlias())));
      }
    }
    depth++;
    try {
      return super.visit(select, context);
    } finally {
      depth--;
    }
  }

  @Override
  public <S> @Nullable Void visit(SetOperationList list, S context) {
    Select last = list.getSelects().get(list.getSelects().size() - 1);
    // The parser leaves the limit of the whole there, if it has no order.
    limitOfAll = last instanceof PlainSelect && takesSome(last) ? last : null;
    noteLimit(list, limitOfAll != null);
    return super.visit(list, context);
  }

  private void noteLimit(Select select) {
    if (select == limitOfAll) {
      limitOfAll = null;
      anyRowWill = false;
      return;
    }
    noteLimit(select, takesSome(select));
  }

  private void noteLimit(Select select, boolean some) {
    skipsLocked |= select.isSkipLocked();
    limited |= some;
    if ((some || isOneOfEach(select)) && !anyRowWill && !isOrdered(select) && !isAlike(select)) {
      unordered.add(select);
    }
    anyRowWill = false;
  }

  /** Whether it leaves rows out, unlike {@code OFFSET 0}, which is there for the planner. */
  private static boolean takesSome(Select select) {
    boolean top =
        select instanceof PlainSelect plain
            && (plain.getTop() != null || plain.getFirst() != null || plain.getSkip() != null);
    return top
        || select.getFetch() != null
        || (select.getLimit() != null && !isAll(select.getLimit()))
        || (select.getOffset() != null && !isZero(select.getOffset().getOffset()));
  }

  private static boolean isAll(Limit limit) {
    return (limit.getRowCount() instanceof AllValue || Written.isNull(limit.getRowCount()))
        && (limit.getOffset() == null || isZero(limit.getOffset()))
        && limit.getByExpressions() == null;
  }

  private static boolean isZero(Expression value) {
    return Objects.equals(Literals.number(value), 0);
  }

  /** Whether it takes one row of each group, and shows more of it than what they share. */
  private static boolean isOneOfEach(Select select) {
    if (!(select instanceof PlainSelect plain) || !Rows.isDistinctOn(plain)) {
      return false;
    }
    Set<String> shared = new LinkedHashSet<>();
    plain
        .getDistinct()
        .getOnSelectItems()
        .forEach(item -> shared.add(item.getExpression().toString()));
    return !plain.getSelectItems().stream()
        .allMatch(item -> shared.contains(item.getExpression().toString()));
  }

  private static boolean isOrdered(Select select) {
    return select.getOrderByElements() != null
        && select.getOrderByElements().stream()
            .anyMatch(element -> isOrder(Literals.bare(element.getExpression())));
  }

  /** A value that is the same for each row is none; a number is the place of a column. */
  private static boolean isOrder(Expression by) {
    if (by instanceof ParenthesedSelect query) {
      return !(query.getSelect() instanceof PlainSelect plain && plain.getFromItem() == null);
    }
    return by instanceof LongValue || !(Written.isNull(by) || Literals.isConstant(by));
  }

  /** Whether there is one row only, or all are the same. */
  private static boolean isAlike(Select select) {
    return select instanceof PlainSelect plain
        && (plain.getFromItem() == null
            || (plain.getFromItem() instanceof ParenthesedSelect from
                && plain.getJoins() == null
                && isAlike(from.getSelect()))
            || (plain.getGroupBy() == null
                && plain.getSelectItems().stream()
                    .anyMatch(item -> Rows.hasAggregate(item.getExpression())))
            || plain.getSelectItems().stream()
                .allMatch(item -> Literals.isConstant(item.getExpression())));
  }

  @Override
  public <S> @Nullable Void visit(ExistsExpression exists, S context) {
    anyRowWill = true;
    try {
      return super.visit(exists, context);
    } finally {
      anyRowWill = false;
    }
  }
}
