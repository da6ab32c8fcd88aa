package io.idem.audit;

import static io.idem.audit.Classification.idempotent;
import static io.idem.audit.Classification.not;
import static io.idem.audit.Classification.unknown;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.JdbcParameter;
import net.sf.jsqlparser.expression.NotExpression;
import net.sf.jsqlparser.expression.RowConstructor;
import net.sf.jsqlparser.expression.operators.relational.EqualsTo;
import net.sf.jsqlparser.expression.operators.relational.ExistsExpression;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.ParenthesedExpressionList;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.insert.ConflictActionType;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.insert.InsertConflictAction;
import net.sf.jsqlparser.statement.insert.InsertConflictTarget;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.merge.MergeDelete;
import net.sf.jsqlparser.statement.merge.MergeInsert;
import net.sf.jsqlparser.statement.merge.MergeOperation;
import net.sf.jsqlparser.statement.merge.MergeUpdate;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.SelectItem;
import net.sf.jsqlparser.statement.select.Values;
import net.sf.jsqlparser.statement.select.WithItem;
import net.sf.jsqlparser.statement.update.UpdateSet;
import net.sf.jsqlparser.statement.upsert.Upsert;
import net.sf.jsqlparser.statement.upsert.UpsertType;
import org.jspecify.annotations.Nullable;

/** What inserts, in all their forms, are to repeats. */
final class InsertRules {

  private final UniqueKeys keys;
  private final UpdateRules updates;
  private final Set<String> harmless;

  InsertRules(UniqueKeys keys, UpdateRules updates, Set<String> harmless) {
    this.keys = keys;
    this.updates = updates;
    this.harmless = harmless;
  }

  /** The rows of an insert, as far as the statement tells. */
  private record Rows(
      Table table,
      @Nullable List<String> columns,
      List<List<? extends Expression>> values,
      @Nullable Select query) {

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
          && given.stream().noneMatch(Rows::isMadeUp);
    }

    private static boolean isMadeUp(Expression value) {
      Scan scan = Scan.of(value);
      return Written.isNull(value)
          || (value instanceof Column column && Names.of(column).equals("default"))
          || scan.calls(Nature.RANDOM)
          || scan.calls(Nature.SEQUENCE)
          || scan.calls(Nature.CLOCK)
          || scan.calls(Nature.UNKNOWN)
          || scan.calls(Nature.EFFECT);
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
  }

  Classification of(Insert insert) {
    if (insert.isOracleMultiInsert()) {
      return unknown(StatementKind.SEVERAL, "it inserts into several tables");
    }
    Rows rows = rows(insert);
    Classification functions = functions(rows);
    if (functions != null) {
      return functions;
    }
    InsertConflictAction conflict = insert.getConflictAction();
    boolean several =
        conflict != null || insert.isModifierIgnore() || insert.getDuplicateAction() != null;
    if (several && readsItself(rows, insert.getWithItemsList())) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows come from a query over " + rows.name() + ", which it changes");
    }
    if (conflict != null) {
      return conflict(insert, rows, conflict);
    }
    if (insert.getDuplicateAction() != null
        && insert.getDuplicateAction().getUpdateSets() != null
        && !insert.getDuplicateAction().getUpdateSets().isEmpty()) {
      Set<String> proposed = new HashSet<>(Set.of("excluded"));
      String alias = Names.of(insert.getRowAlias());
      if (alias != null) {
        proposed.add(alias);
      }
      return upsert(
          rows,
          UpdateRules.sets(insert.getDuplicateAction().getUpdateSets()),
          null,
          proposed,
          null,
          false);
    }
    if (insert.isModifierIgnore()) {
      return ignoring(rows, null, false);
    }
    return plain(rows);
  }

  Classification of(Upsert upsert) {
    Rows rows = rows(upsert);
    Classification functions = functions(rows);
    if (functions != null) {
      return functions;
    }
    if (readsItself(rows, null)) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows come from a query over " + rows.name() + ", which it changes");
    }
    UpsertType type = upsert.getUpsertType();
    if (type == UpsertType.INSERT_OR_IGNORE) {
      return ignoring(rows, null, false);
    }
    if (type != UpsertType.REPLACE
        && type != UpsertType.REPLACE_SET
        && type != UpsertType.INSERT_OR_REPLACE) {
      return unknown(StatementKind.UPSERT, "what becomes of present rows is not known");
    }
    return replace(rows);
  }

  private static boolean readsItself(Rows rows, @Nullable List<WithItem<?>> with) {
    return Stream.concat(Stream.ofNullable(rows.query()), UpdateRules.queries(with).stream())
        .anyMatch(query -> Scan.of((Expression) query).tables.contains(rows.name()));
  }

  private Classification replace(Rows rows) {
    List<UniqueKey> known = known(rows);
    for (List<? extends Expression> row : rows.values()) {
      for (Expression value : row) {
        Classification nondeterministic = nondeterministic(rows, value);
        if (nondeterministic != null) {
          return nondeterministic;
        }
      }
    }
    UniqueKey covering = known.stream().filter(rows::covers).findFirst().orElse(null);
    if (covering == null) {
      return known.isEmpty()
          ? unknown(StatementKind.UPSERT, "no unique key of " + rows.name() + " is known")
          : not(StatementKind.UPSERT, uncovered(rows, known) + ", so a repeat adds a row");
    }
    boolean renumbers = known.stream().anyMatch(key -> key.primary() && !rows.covers(key));
    return renumbers
        ? not(StatementKind.UPSERT, "a repeat replaces the row by one with another primary key")
        : idempotent(
            StatementKind.UPSERT, "a repeat replaces the row of key " + covering + " by the same");
  }

  private static @Nullable Classification nondeterministic(Rows rows, Expression value) {
    Scan scan = Scan.of(value);
    for (Nature nature : List.of(Nature.CLOCK, Nature.RANDOM, Nature.SEQUENCE)) {
      if (scan.calls(nature)) {
        return not(
            StatementKind.NONDETERMINISTIC_WRITE,
            "the row of "
                + rows.name()
                + " has "
                + scan.calledOf(nature)
                + ", which differs at each execution");
      }
    }
    return null;
  }

  private Classification conflict(Insert insert, Rows rows, InsertConflictAction action) {
    InsertConflictTarget target = insert.getConflictTarget();
    List<String> columns = null;
    boolean constraint = false;
    if (target != null) {
      constraint = target.getConstraintName() != null;
      columns =
          target.getIndexColumnNames() == null
              ? List.of()
              : target.getIndexColumnNames().stream().map(Names::plain).toList();
    }
    if (target != null
        && (target.getWhereExpression() != null || target.getIndexExpression() != null)) {
      return unknown(
          StatementKind.UPSERT, "whether a repeat meets the index that it names is not known");
    }
    UniqueKey named = columns == null || columns.isEmpty() ? null : UniqueKey.of(columns, false);
    if (action.getConflictActionType() != ConflictActionType.DO_UPDATE) {
      return ignoring(rows, named, constraint);
    }
    return upsert(
        rows,
        UpdateRules.sets(action.getUpdateSets()),
        action.getWhereExpression(),
        Set.of("excluded"),
        named,
        constraint);
  }

  /** Leaves present rows alone. */
  private Classification ignoring(Rows rows, @Nullable UniqueKey named, boolean constraint) {
    Match match = match(rows, named, constraint);
    if (match.verdict() != Verdict.IDEMPOTENT) {
      return new Classification(match.verdict(), StatementKind.INSERT_OR_IGNORE, match.why());
    }
    return idempotent(
        StatementKind.INSERT_OR_IGNORE,
        "a repeat finds the row of key " + match.why() + ", and leaves it alone");
  }

  /** Whether a repeat meets its own row: why not, or the key. */
  private record Match(Verdict verdict, String why) {}

  private Match match(Rows rows, @Nullable UniqueKey named, boolean constraint) {
    if (named != null) {
      if (rows.columns() == null) {
        return new Match(Verdict.IDEMPOTENT, named.toString());
      }
      return rows.covers(named)
          ? new Match(Verdict.IDEMPOTENT, named.toString())
          : new Match(
              Verdict.NOT_IDEMPOTENT,
              "the key "
                  + named
                  + " is made up for each row, so a repeat does not find the first one's");
    }
    List<UniqueKey> known = known(rows);
    UniqueKey covering = known.stream().filter(rows::covers).findFirst().orElse(null);
    if (covering != null) {
      return new Match(Verdict.IDEMPOTENT, covering.toString());
    }
    if (constraint || known.isEmpty() || rows.columns() == null) {
      return new Match(
          Verdict.UNKNOWN, "which unique key of " + rows.name() + " refuses a repeat is not known");
    }
    return new Match(Verdict.NOT_IDEMPOTENT, uncovered(rows, known) + ", so a repeat adds a row");
  }

  /** Updates present rows. */
  private Classification upsert(
      Rows rows,
      Map<Column, Expression> sets,
      @Nullable Expression where,
      Set<String> proposed,
      @Nullable UniqueKey named,
      boolean constraint) {
    Changed changed = new Changed(rows.table()).columns(sets.keySet());
    Map<Column, Expression> asInserted = new LinkedHashMap<>();
    sets.forEach((column, value) -> asInserted.put(column, withoutProposed(value, proposed)));
    Classification update = updates.assignments(asInserted, where, changed, StatementKind.UPSERT);
    if (!update.isIdempotent()) {
      return update;
    }
    Match match = match(rows, named, constraint);
    if (match.verdict() != Verdict.IDEMPOTENT) {
      return new Classification(match.verdict(), StatementKind.UPSERT, match.why());
    }
    if (update.kind() == StatementKind.COMPARE_AND_SET) {
      return update;
    }
    String proviso = "";
    for (Map.Entry<Column, Expression> set : sets.entrySet()) {
      String name = Names.of(set.getKey());
      Agreement agreement = agreement(rows, name, set.getValue(), proposed);
      if (agreement == Agreement.NO && !harmless.contains(name)) {
        return not(
            StatementKind.UPSERT,
            name
                + " is inserted as one value and updated to another ("
                + Written.text(set.getValue())
                + "), so a repeat changes what the first execution wrote");
      } else if (agreement == Agreement.IF_SAME) {
        proviso = ", if " + name + " is inserted and updated with the same parameter";
      }
    }
    return idempotent(
        StatementKind.UPSERT,
        "a repeat finds the row of key " + match.why() + ", and sets the same" + proviso);
  }

  private enum Agreement {
    YES,
    IF_SAME,
    NO
  }

  /** Whether an update leaves what the insert would have written. */
  private Agreement agreement(Rows rows, String column, Expression value, Set<String> proposed) {
    Expression bare = Written.unwrap(value);
    if (isProposed(bare, column, proposed) || isBoundOf(bare, column, proposed)) {
      return Agreement.YES;
    }
    List<Expression> inserted = rows.valuesOf(column);
    if (bare instanceof Column own
        && Names.of(own).equals(column)
        && !proposed.contains(String.valueOf(Names.qualifierOf(own)))) {
      return Agreement.YES; // left as it is
    }
    if (inserted.isEmpty()) {
      return Agreement.NO;
    }
    Agreement agreement = Agreement.YES;
    for (Expression each : inserted) {
      if (Written.isParameter(each) && Written.isParameter(bare)) {
        String one = Written.parameterName(each);
        String other = Written.parameterName(bare);
        if (one == null || other == null) {
          agreement = Agreement.IF_SAME;
        } else if (!one.equals(other)) {
          return Agreement.NO;
        }
      } else if (!each.toString().equalsIgnoreCase(bare.toString())) {
        return Agreement.NO;
      }
    }
    return agreement;
  }

  /** {@code EXCLUDED.x}, {@code VALUES(x)} or the row's alias. */
  private static boolean isProposed(Expression value, String column, Set<String> proposed) {
    if (value instanceof Column given) {
      String qualifier = Names.qualifierOf(given);
      return qualifier != null && proposed.contains(qualifier) && Names.of(given).equals(column);
    }
    return value instanceof Function function
        && Functions.plain(function.getName()).equals("values")
        && function.getParameters() != null
        && function.getParameters().size() == 1
        && function.getParameters().get(0) instanceof Column given
        && Names.of(given).equals(column);
  }

  /** {@code GREATEST(t.x, EXCLUDED.x)}: of two that are alike, the one. */
  private static boolean isBoundOf(Expression value, String column, Set<String> proposed) {
    return value instanceof Function function
        && Set.of("greatest", "least", "coalesce", "ifnull")
            .contains(Functions.plain(function.getName()))
        && function.getParameters() != null
        && function.getParameters().stream()
            .map(Written::unwrap)
            .allMatch(
                each ->
                    isProposed(each, column, proposed)
                        || (each instanceof Column own && Names.of(own).equals(column)));
  }

  /** {@code VALUES(x)} reads the proposed row, not the present one. */
  private static Expression withoutProposed(Expression value, Set<String> proposed) {
    Expression bare = Written.unwrap(value);
    if (bare instanceof Function function) {
      if (Functions.plain(function.getName()).equals("values")) {
        return new JdbcParameter();
      }
      if (function.getParameters() == null) {
        return bare;
      }
      List<Expression> parameters =
          function.getParameters().stream()
              .<Expression>map(each -> withoutProposed(each, proposed))
              .toList();
      return new Function(function.getName(), parameters.toArray(new Expression[0]));
    }
    return bare;
  }

  /** Without any clause for present rows. */
  private Classification plain(Rows rows) {
    List<UniqueKey> known = known(rows);
    UniqueKey covering = null;
    UniqueKey madeUp = null;
    for (UniqueKey key : known) {
      if (rows.covers(key)) {
        if (key.primary() && key.columns().size() == 1 && rows.onlyParameters(key)) {
          madeUp = key;
        } else {
          covering = key;
        }
      }
    }
    boolean ifAbsent =
        rows.query() instanceof PlainSelect select && isIfAbsent(select, rows.name());
    StatementKind kind = ifAbsent ? StatementKind.INSERT_IF_ABSENT : StatementKind.UNIQUE_INSERT;
    if (covering != null) {
      return idempotent(
          kind,
          "a repeat is refused by the unique key "
              + covering
              + (ifAbsent ? ", also where two executions at once see no row" : ""));
    }
    if (madeUp != null) {
      return unknown(
          kind,
          "the primary key "
              + madeUp
              + " refuses a repeat only if its value comes with the request: one that is made up"
              + " for each call makes another row");
    }
    if (ifAbsent) {
      return not(
          kind,
          "a late repeat finds the row, but two executions at once both see none and both insert:"
              + " no unique key of "
              + rows.name()
              + " is known to refuse the second");
    }
    if (known.isEmpty()) {
      return not(
          StatementKind.PLAIN_INSERT,
          "no unique key of " + rows.name() + " is known, so a repeat adds a row");
    }
    return rows.columns() == null
        ? unknown(
            StatementKind.PLAIN_INSERT,
            "it names no columns, so whether it gives a unique key of "
                + rows.name()
                + " is not known")
        : not(StatementKind.PLAIN_INSERT, uncovered(rows, known) + ", so a repeat adds a row");
  }

  private static String uncovered(Rows rows, List<UniqueKey> known) {
    TreeSet<String> names = new TreeSet<>();
    known.forEach(key -> names.add(key.toString()));
    return "it gives no unique key of "
        + rows.name()
        + " a value of its own: "
        + String.join(", ", names)
        + " "
        + (names.size() == 1 ? "is" : "are")
        + " left out or made up";
  }

  /** {@code SELECT … WHERE NOT EXISTS (SELECT … FROM the same table)}. */
  private static boolean isIfAbsent(PlainSelect select, String table) {
    return Guards.conjuncts(select.getWhere()).stream()
        .filter(
            condition ->
                condition instanceof NotExpression
                    || (condition instanceof ExistsExpression exists && exists.isNot()))
        .anyMatch(condition -> Scan.of(condition).tables.contains(table));
  }

  private List<UniqueKey> known(Rows rows) {
    return keys.of(rows.table().getUnquotedSchemaName(), rows.table().getUnquotedName());
  }

  /** Functions of which nothing is known may do anything, whatever refuses the row. */
  private static @Nullable Classification functions(Rows rows) {
    List<Scan> scans = new ArrayList<>();
    rows.values().forEach(row -> row.forEach(value -> scans.add(Scan.of(value))));
    if (rows.query() != null) {
      scans.add(Scan.of((Expression) rows.query()));
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

  private static Rows rows(Insert insert) {
    if (insert.getSetUpdateSets() != null && !insert.getSetUpdateSets().isEmpty()) {
      return setRows(insert.getTable(), insert.getSetUpdateSets());
    }
    if (insert.isOnlyDefaultValues()) {
      return new Rows(insert.getTable(), List.of(), List.of(List.of()), null);
    }
    return rows(insert.getTable(), insert.getColumns(), insert.getSelect());
  }

  private static Rows rows(Upsert upsert) {
    if (upsert.getUpdateSets() != null && !upsert.getUpdateSets().isEmpty()) {
      return setRows(upsert.getTable(), upsert.getUpdateSets());
    }
    return rows(upsert.getTable(), upsert.getColumns(), upsert.getSelect());
  }

  private static Rows setRows(Table table, List<UpdateSet> updateSets) {
    Map<Column, Expression> sets = UpdateRules.sets(updateSets);
    return new Rows(
        table,
        sets.keySet().stream().map(Names::of).toList(),
        List.of(List.copyOf(sets.values())),
        null);
  }

  private static Rows rows(
      Table table, @Nullable ExpressionList<Column> columns, @Nullable Select source) {
    List<String> names =
        columns == null || columns.isEmpty() ? null : columns.stream().map(Names::of).toList();
    Select bare = source;
    while (bare instanceof ParenthesedSelect parenthesed) {
      bare = parenthesed.getSelect();
    }
    if (bare instanceof Values values) {
      return new Rows(table, names, rowsOf(values.getExpressions()), null);
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
    return new Rows(table, names, selected, bare);
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

  // ---- MERGE

  Classification of(Merge merge) {
    Changed changed = new Changed(merge.getTable());
    MergeInsert insert = null;
    Map<Column, Expression> updated = new LinkedHashMap<>();
    List<MergeOperation> operations =
        merge.getOperations() == null ? List.of() : merge.getOperations();
    Scan source = Scan.of(merge.getOnCondition());
    Scan from =
        merge.getFromItem() instanceof Select select
            ? Scan.of((Expression) select)
            : Scan.of((Expression) null);
    for (Scan scan : List.of(source, from)) {
      if (scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.assigns) {
        return unknown(
            StatementKind.SIDE_EFFECT,
            "it compares with " + Written.unknownOf(scan) + ", of which nothing is known");
      }
    }
    for (MergeOperation operation : operations) {
      if (operation instanceof MergeUpdate update) {
        Map<Column, Expression> sets = UpdateRules.sets(update.getUpdateSets());
        changed.columns(sets.keySet());
        Classification assignments =
            updates.assignments(sets, update.getAndPredicate(), changed, StatementKind.MERGE);
        if (!assignments.isIdempotent()) {
          return assignments;
        }
        updated.putAll(sets);
      } else if (operation instanceof MergeInsert each) {
        insert = each;
      } else if (!(operation instanceof MergeDelete)) {
        return unknown(StatementKind.MERGE, "it does what is not known here");
      }
    }
    if (from.tables.contains(Names.of(merge.getTable()))
        || (merge.getFromItem() instanceof Table same
            && Names.of(same).equals(Names.of(merge.getTable())))
        || UpdateRules.queries(merge.getWithItemsList()).stream()
            .anyMatch(
                query -> Scan.of((Expression) query).tables.contains(Names.of(merge.getTable())))) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "it merges what it reads from the table that it changes");
    }
    boolean deletes = operations.stream().anyMatch(MergeDelete.class::isInstance);
    if (deletes && (insert != null || !updated.isEmpty())) {
      return unknown(
          StatementKind.MERGE, "whether a repeat undoes what it deletes or inserts is not known");
    }
    if (insert == null) {
      return idempotent(StatementKind.MERGE, "a repeat sets or deletes the same");
    }
    return mergeInsert(merge, insert, updated);
  }

  private Classification mergeInsert(
      Merge merge, MergeInsert insert, Map<Column, Expression> updated) {
    ExpressionList<Column> columns = insert.getColumns();
    Rows rows =
        new Rows(
            merge.getTable(),
            columns == null ? null : columns.stream().map(Names::of).toList(),
            List.of(Written.valuesOf(insert.getValues())),
            null);
    Classification functions = functions(rows);
    if (functions != null) {
      return functions;
    }
    Set<String> own = new HashSet<>();
    own.add(rows.name());
    String alias = Names.of(merge.getTable().getAlias());
    if (alias != null) {
      own.add(alias);
    }
    List<String> matched = matchedColumns(merge.getOnCondition(), own);
    if (rows.columns() == null || matched.isEmpty() || !matched.stream().allMatch(rows::gives)) {
      return unknown(
          StatementKind.MERGE, "whether a repeat finds the rows that it has inserted is not known");
    }
    for (Map.Entry<Column, Expression> set : updated.entrySet()) {
      String name = Names.of(set.getKey());
      if (!harmless.contains(name)
          && agreement(rows, name, set.getValue(), Set.of()) == Agreement.NO) {
        return not(
            StatementKind.MERGE,
            name
                + " is inserted as one value and updated to another ("
                + Written.text(set.getValue())
                + "), so a repeat changes what the first execution wrote");
      }
    }
    boolean unique = known(rows).stream().anyMatch(key -> matched.containsAll(key.columns()));
    return unique
        ? idempotent(
            StatementKind.MERGE,
            "a repeat finds its row by " + String.join(", ", matched) + ", and sets the same")
        : unknown(
            StatementKind.MERGE,
            "two executions at once may both find no row and insert, unless a unique key has "
                + String.join(", ", matched));
  }

  /** The columns of the target that the condition compares for equality. */
  private static List<String> matchedColumns(@Nullable Expression on, Set<String> own) {
    List<String> matched = new ArrayList<>();
    for (Expression condition : Guards.conjuncts(on)) {
      if (!(condition instanceof EqualsTo equals)) {
        return List.of();
      }
      for (Expression side : List.of(equals.getLeftExpression(), equals.getRightExpression())) {
        if (side instanceof Column column
            && own.contains(String.valueOf(Names.qualifierOf(column)))) {
          matched.add(Names.of(column));
        }
      }
    }
    return matched;
  }
}
