package io.idem.audit;

import static io.idem.audit.Classification.unknown;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.CaseExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.RowConstructor;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.ParenthesedExpressionList;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.SelectItem;
import net.sf.jsqlparser.statement.select.Values;
import net.sf.jsqlparser.statement.select.WithItem;
import net.sf.jsqlparser.statement.update.UpdateSet;
import net.sf.jsqlparser.statement.upsert.Upsert;
import org.jspecify.annotations.Nullable;

/**
 * The rows of an insert, as far as the statement tells.
 *
 * @param columns null if it names none
 * @param values of each row
 * @param query where they come from; null if they stand in the statement
 * @param sources what that reads
 */
record Rows(
    Table table,
    @Nullable List<String> columns,
    List<List<? extends Expression>> values,
    @Nullable Select query,
    Sources sources) {

  private static final Set<String> GATHERING =
      Set.of(
          "count",
          "sum",
          "avg",
          "min",
          "max",
          "array_agg",
          "string_agg",
          "group_concat",
          "json_agg",
          "jsonb_agg",
          "json_arrayagg",
          "json_objectagg",
          "bool_and",
          "bool_or",
          "every",
          "bit_and",
          "bit_or",
          "row_number",
          "rank",
          "dense_rank",
          "percent_rank",
          "cume_dist",
          "ntile",
          "lag",
          "lead",
          "first_value",
          "last_value",
          "nth_value",
          "any_value",
          "listagg",
          "json_object_agg",
          "jsonb_object_agg",
          "percentile_cont",
          "percentile_disc",
          "mode",
          "median",
          "stddev",
          "stddev_pop",
          "stddev_samp",
          "variance",
          "var_pop",
          "var_samp");

  private static final Set<String> AGGREGATES =
      Set.of("count", "sum", "avg", "min", "max", "bool_and", "bool_or", "every");

  /** What each row has for a column; none if it is not among the columns. */
  List<Expression> valuesOf(String column) {
    List<Expression> found = new ArrayList<>();
    int place = columns == null ? -1 : columns.indexOf(column);
    for (List<? extends Expression> row : values) {
      if (place >= 0 && place < row.size()) {
        found.add(row.get(place));
      }
    }
    return found;
  }

  /** Whether the value comes with the statement, and is the same for a repeat of it. */
  boolean gives(String column) {
    List<Expression> given = valuesOf(column);
    return !given.isEmpty()
        && given.size() == values.size()
        && given.stream().noneMatch(this::isMadeUp);
  }

  private boolean isMadeUp(Expression value) {
    Scan scan = Scan.of(value);
    return Written.isNull(value)
        || (value instanceof Column column && Names.of(column).equals("default"))
        || scan.calls(Nature.RANDOM)
        || scan.calls(Nature.SEQUENCE)
        || scan.calls(Nature.CLOCK)
        || scan.calls(Nature.UNKNOWN)
        || scan.calls(Nature.EFFECT)
        || scan.tables.contains(name()) // such as the greatest number yet, and one
        || (scan.readsColumns() && sources.varying() != null);
  }

  /** Whether what is proposed for a column is the same in a repeat. */
  boolean isSteady(String column) {
    List<? extends Expression> given =
        columns == null
            ? values.stream().<Expression>flatMap(List::stream).toList()
            : valuesOf(column);
    return !given.isEmpty()
        && given.stream()
            .map(Scan::of)
            .noneMatch(
                scan ->
                    scan.tables.contains(name())
                        || (scan.readsColumns() && sources.varying() != null)
                        || scan.calls(Nature.CLOCK)
                        || scan.calls(Nature.RANDOM)
                        || scan.calls(Nature.SEQUENCE));
  }

  /** Whether a value is asked of the table that is inserted into. */
  boolean readsItself() {
    return values.stream()
        .flatMap(List::stream)
        .anyMatch(value -> Scan.of(value).tables.contains(name()));
  }

  /** Functions that choose the rows, others at each execution, for a reader; or null. */
  @Nullable String chosenBy() {
    Scan all = Scan.of((Expression) query);
    List<Scan> parts = new ArrayList<>(sources.scans());
    values.forEach(row -> row.forEach(value -> parts.add(Scan.of(value))));
    for (Nature nature : List.of(Nature.RANDOM, Nature.SEQUENCE)) {
      if (all.times(nature) > parts.stream().mapToInt(part -> part.times(nature)).sum()) {
        return all.calledOf(nature);
      }
    }
    return query != null && query.isSkipLocked() ? "SKIP LOCKED" : null;
  }

  /** What chooses the rows that a value is gathered from, otherwise as time goes on; or null. */
  @Nullable String gatheredBy() {
    Scan all = Scan.of((Expression) query);
    boolean gathers =
        (query instanceof PlainSelect select
                && (select.getGroupBy() != null || isDistinctOn(select)))
            || isLimited()
            || gathers(all);
    return gathers && all.calls(Nature.CLOCK) ? all.calledOf(Nature.CLOCK) : null;
  }

  /** Whether a number of rows is taken of those that are read, whichever these are. */
  boolean takesSome() {
    return isLimited() && readsTables();
  }

  private boolean isLimited() {
    return query != null
        && (query.getLimit() != null
            || query.getFetch() != null
            || query.getOffset() != null
            || (query instanceof PlainSelect select
                && (select.getTop() != null
                    || select.getQualify() != null
                    || select.getFirst() != null
                    || select.getSkip() != null)));
  }

  private boolean readsTables() {
    return sources.scans().stream()
        .flatMap(scan -> scan.tables.stream())
        .anyMatch(read -> !read.equals("dual"));
  }

  /** Whether a key is made of several of the rows that are read, or of some of them alone. */
  boolean gathers(UniqueKey key) {
    List<Expression> given =
        key.columns().stream().flatMap(column -> valuesOf(column).stream()).toList();
    return readsTables()
        && (given.stream().anyMatch(value -> gathers(Scan.of(value)))
            || (query instanceof PlainSelect select
                && isDistinctOn(select)
                && !select.getDistinct().getOnSelectItems().stream()
                    .allMatch(
                        item ->
                            given.stream()
                                .anyMatch(
                                    value ->
                                        value
                                            .toString()
                                            .equals(item.getExpression().toString())))));
  }

  /** Whether several rows make one value. */
  static boolean gathers(Scan scan) {
    return scan.calls.keySet().stream().anyMatch(GATHERING::contains);
  }

  /** Whether a value says by itself that it may be null. */
  static boolean mayBeNull(Expression value) {
    Expression bare = Written.unwrap(value);
    if (bare instanceof CaseExpression choice) {
      return choice.getElseExpression() == null
          || mayBeNull(choice.getElseExpression())
          || choice.getWhenClauses().stream().anyMatch(w -> mayBeNull(w.getThenExpression()));
    }
    return Written.isNull(bare)
        || (bare instanceof Function function
            && Functions.plain(function.getName()).equals("nullif"));
  }

  /** Whether something of a value is made of all rows of a query without groups. */
  static boolean hasAggregate(Expression value) {
    Expression bare = Written.unwrap(value);
    if (bare instanceof Function function) {
      return AGGREGATES.contains(Functions.plain(function.getName()))
          || (function.getParameters() != null
              && function.getParameters().stream().anyMatch(Rows::hasAggregate));
    }
    return bare instanceof BinaryExpression both
        && (hasAggregate(both.getLeftExpression()) || hasAggregate(both.getRightExpression()));
  }

  static boolean isDistinctOn(PlainSelect select) {
    return select.getDistinct() != null && select.getDistinct().getOnSelectItems() != null;
  }

  boolean covers(UniqueKey key) {
    return key.columns().stream().allMatch(this::gives);
  }

  /** Whether nothing but a parameter is in the key: it may have been made up for this row. */
  boolean onlyParameters(UniqueKey key) {
    return key.columns().stream()
        .flatMap(column -> valuesOf(column).stream())
        .allMatch(Written::isParameter);
  }

  String name() {
    return Names.of(table);
  }

  /** Functions of which nothing is known may do anything, whatever refuses the row. */
  @Nullable Classification functions() {
    List<Scan> scans = new ArrayList<>();
    values.forEach(row -> row.forEach(value -> scans.add(Scan.of(value))));
    if (query != null) {
      scans.add(Scan.of((Expression) query));
    }
    for (Scan scan : scans) {
      if (scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.assigns) {
        return unknown(
            StatementKind.SIDE_EFFECT,
            "a value comes from " + Written.unknownOf(scan) + ", of which nothing is known");
      }
    }
    return null;
  }

  static Rows of(Insert insert) {
    if (insert.getSetUpdateSets() != null && !insert.getSetUpdateSets().isEmpty()) {
      return setRows(insert.getTable(), insert.getSetUpdateSets(), insert.getWithItemsList());
    }
    if (insert.isOnlyDefaultValues()) {
      return new Rows(
          insert.getTable(), List.of(), List.of(List.of()), null, Sources.of(null, null));
    }
    return of(
        insert.getTable(), insert.getColumns(), insert.getSelect(), insert.getWithItemsList());
  }

  static Rows of(Upsert upsert) {
    if (upsert.getUpdateSets() != null && !upsert.getUpdateSets().isEmpty()) {
      return setRows(upsert.getTable(), upsert.getUpdateSets(), null);
    }
    return of(upsert.getTable(), upsert.getColumns(), upsert.getSelect(), null);
  }

  private static Rows setRows(
      Table table, List<UpdateSet> updateSets, @Nullable List<WithItem<?>> with) {
    Map<Column, Expression> sets = UpdateRules.sets(updateSets);
    return new Rows(
        table,
        sets.keySet().stream().map(Names::of).toList(),
        List.of(List.copyOf(sets.values())),
        null,
        Sources.of(with, null));
  }

  private static Rows of(
      Table table,
      @Nullable ExpressionList<Column> columns,
      @Nullable Select source,
      @Nullable List<WithItem<?>> with) {
    List<String> names =
        columns == null || columns.isEmpty() ? null : columns.stream().map(Names::of).toList();
    Select bare = source;
    while (bare instanceof ParenthesedSelect parenthesed
        && parenthesed.getLimit() == null
        && parenthesed.getFetch() == null
        && parenthesed.getOffset() == null) {
      bare = parenthesed.getSelect();
    }
    if (bare instanceof Values values) {
      return new Rows(table, names, rowsOf(values.getExpressions()), null, Sources.of(with, null));
    }
    List<List<? extends Expression>> selected = new ArrayList<>();
    if (bare instanceof PlainSelect select && names != null) {
      List<Expression> items = new ArrayList<>();
      for (SelectItem<?> item : select.getSelectItems()) {
        items.add(item.getExpression());
      }
      if (items.size() == names.size()) {
        selected.add(items);
      }
    }
    Sources sources =
        bare instanceof PlainSelect select
            ? Sources.of(with, select.getFromItem(), select.getJoins())
            : Sources.of(with, null);
    return new Rows(table, names, selected, bare, sources);
  }

  private static List<List<? extends Expression>> rowsOf(ExpressionList<?> list) {
    List<List<? extends Expression>> rows = new ArrayList<>();
    boolean several =
        !list.isEmpty()
            && !(list instanceof ParenthesedExpressionList)
            && list.stream()
                .allMatch(
                    each ->
                        each instanceof ParenthesedExpressionList
                            || each instanceof RowConstructor);
    if (several) {
      for (Expression each : list) {
        rows.add((ExpressionList<?>) each);
      }
    } else {
      rows.add(list);
    }
    return rows;
  }
}
