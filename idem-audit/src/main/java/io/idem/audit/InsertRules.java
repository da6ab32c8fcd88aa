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
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.Function;
import net.sf.jsqlparser.expression.JdbcParameter;
import net.sf.jsqlparser.expression.NotExpression;
import net.sf.jsqlparser.expression.operators.relational.ExistsExpression;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.statement.insert.ConflictActionType;
import net.sf.jsqlparser.statement.insert.Insert;
import net.sf.jsqlparser.statement.insert.InsertConflictAction;
import net.sf.jsqlparser.statement.insert.InsertConflictTarget;
import net.sf.jsqlparser.statement.select.PlainSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.upsert.Upsert;
import net.sf.jsqlparser.statement.upsert.UpsertType;
import org.jspecify.annotations.Nullable;

/** What inserts, in all their forms, are to repeats. */
final class InsertRules {

  private final RowKeys keys;
  private final Unsettled unsettled;
  private final UpdateRules updates;
  private final Set<String> harmless;

  InsertRules(UniqueKeys keys, UpdateRules updates, Set<String> harmless) {
    this.keys = new RowKeys(keys);
    this.unsettled = new Unsettled(keys);
    this.updates = updates;
    this.harmless = harmless;
  }

  Classification of(Insert insert) {
    if (insert.isOracleMultiInsert()) {
      return unknown(StatementKind.SEVERAL, "it inserts into several tables");
    }
    Rows rows = Rows.of(insert);
    return chosen(rows, of(insert, rows));
  }

  /** With how the rows are chosen that a query gives. */
  private Classification chosen(Rows rows, Classification found) {
    String gatheredBy =
        found.isIdempotent() && found.kind() == StatementKind.UPSERT ? rows.gatheredBy() : null;
    if (gatheredBy != null) {
      return unknown(
          StatementKind.NONDETERMINISTIC_WRITE,
          "what it writes is gathered from rows that are chosen by " + gatheredBy);
    }
    String chosenBy = found.isIdempotent() ? rows.chosenBy() : null;
    if (chosenBy != null) {
      return not(
          StatementKind.NONDETERMINISTIC_WRITE,
          "its rows are chosen by " + chosenBy + ", others at each execution");
    }
    return found.isIdempotent() ? settled(rows, found) : found;
  }

  /** With what its rows and values are another time. */
  private Classification settled(Rows rows, Classification found) {
    Set<String> keyed = new HashSet<>();
    keys.known(rows).forEach(key -> keyed.addAll(key.columns()));
    boolean allCount =
        found.kind() == StatementKind.UPSERT || keyed.isEmpty() || rows.columns() == null;
    List<Select> elsewhere = new ArrayList<>(Scan.of((Expression) rows.query()).unordered);
    rows.sources().scans().forEach(scan -> elsewhere.addAll(scan.unordered));
    for (List<? extends Expression> row : rows.values()) {
      for (int i = 0; i < row.size(); i++) {
        Expression value = row.get(i);
        List<Select> own = Scan.of(value).unordered;
        elsewhere.removeIf(each -> own.stream().anyMatch(one -> one == each));
        String column =
            rows.columns() == null || i >= rows.columns().size() ? null : rows.columns().get(i);
        boolean isKey = column != null && keyed.contains(column);
        String why = allCount || isKey ? unsettled.in(value) : null;
        if (why != null) {
          return unknown(
              StatementKind.NONDETERMINISTIC_WRITE,
              (column == null ? "a value of " + rows.name() : column) + " " + why);
        }
        if (isKey && Rows.mayBeNull(value)) {
          return unknown(
              found.kind(), column + " may be null, and a unique key refuses no row that has null");
        }
      }
    }
    return unsettled
        .anyRows(elsewhere)
        .findFirst()
        .map(any -> unknown(StatementKind.NONDETERMINISTIC_WRITE, "its rows are chosen by " + any))
        .orElse(found);
  }

  private Classification of(Insert insert, Rows rows) {
    Classification functions = rows.functions();
    if (functions != null) {
      return functions;
    }
    InsertConflictAction conflict = insert.getConflictAction();
    boolean several =
        conflict != null || insert.isModifierIgnore() || insert.getDuplicateAction() != null;
    if (several && (readsItself(rows) || rows.readsItself())) {
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
      if (alias == null && insert.getSelect() != null) {
        alias = Names.of(insert.getSelect().getAlias()); // where the parser has it
      }
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
    Rows rows = Rows.of(upsert);
    Classification functions = rows.functions();
    if (functions != null) {
      return functions;
    }
    if (readsItself(rows)) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows come from a query over " + rows.name() + ", which it changes");
    }
    UpsertType type = upsert.getUpsertType();
    if (type == UpsertType.INSERT_OR_IGNORE) {
      return chosen(rows, ignoring(rows, null, false));
    }
    if (type != UpsertType.REPLACE
        && type != UpsertType.REPLACE_SET
        && type != UpsertType.INSERT_OR_REPLACE) {
      return unknown(StatementKind.UPSERT, "what becomes of present rows is not known");
    }
    return chosen(rows, replace(rows));
  }

  private static boolean readsItself(Rows rows) {
    return rows.sources().reads(rows.table())
        || Scan.of((Expression) rows.query()).tables.contains(rows.name());
  }

  private Classification replace(Rows rows) {
    List<UniqueKey> known = keys.known(rows);
    for (List<? extends Expression> row : rows.values()) {
      for (Expression value : row) {
        Classification nondeterministic = nondeterministic(rows, value);
        if (nondeterministic != null) {
          return nondeterministic;
        }
      }
    }
    String varying =
        rows.values().stream().flatMap(List::stream).anyMatch(v -> Scan.of(v).readsColumns())
            ? rows.sources().varying()
            : null;
    if (varying != null) {
      return unknown(
          StatementKind.NONDETERMINISTIC_WRITE,
          "the row of "
              + rows.name()
              + " may come from "
              + varying
              + ", which differs at each execution");
    }
    UniqueKey covering = known.stream().filter(rows::covers).findFirst().orElse(null);
    if (covering == null) {
      return known.isEmpty()
          ? unknown(StatementKind.UPSERT, "no unique key of " + rows.name() + " is known")
          : not(StatementKind.UPSERT, RowKeys.uncovered(rows, known) + ", so a repeat adds a row");
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
    RowKeys.Match match = keys.match(rows, named, constraint);
    if (match.verdict() != Verdict.IDEMPOTENT) {
      return new Classification(match.verdict(), StatementKind.INSERT_OR_IGNORE, match.why());
    }
    if (match.key() != null && keys.mayBeMadeUp(rows, match.key(), named != null)) {
      return unknown(StatementKind.INSERT_OR_IGNORE, RowKeys.madeUp(match.key()));
    }
    return idempotent(
        StatementKind.INSERT_OR_IGNORE,
        "a repeat finds the row of key " + match.why() + ", and leaves it alone");
  }

  /** Updates present rows. */
  private Classification upsert(
      Rows rows,
      Map<Column, Expression> sets,
      @Nullable Expression where,
      Set<String> proposed,
      @Nullable UniqueKey named,
      boolean constraint) {
    Changed changed = new Changed(rows.table()).columns(sets.keySet()).proposed(proposed);
    if (sets.values().stream().anyMatch(value -> changed.isRead(Scan.of(value)))) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "it sets what it reads from " + rows.name() + ", which it inserts into");
    }
    String varying =
        sets.values().stream().anyMatch(value -> !Scan.of(value).queried.isEmpty())
            ? rows.sources().varying()
            : null;
    if (varying != null) {
      return unknown(
          StatementKind.NONDETERMINISTIC_WRITE,
          "what it sets may come from " + varying + ", which differs at each execution");
    }
    Map<Column, Expression> asInserted = new LinkedHashMap<>();
    sets.forEach((column, value) -> asInserted.put(column, withoutProposed(value, proposed)));
    Classification update = updates.assignments(asInserted, where, changed, StatementKind.UPSERT);
    if (!update.isIdempotent()) {
      return update;
    }
    RowKeys.Match match = keys.match(rows, named, constraint);
    if (match.verdict() != Verdict.IDEMPOTENT) {
      return new Classification(match.verdict(), StatementKind.UPSERT, match.why());
    }
    if (update.kind() == StatementKind.COMPARE_AND_SET) {
      return guarded(rows, sets, where, changed, proposed, update);
    }
    String proviso = "";
    for (Map.Entry<Column, Expression> set : sets.entrySet()) {
      String name = Names.of(set.getKey());
      Agreement agreement = Agreement.of(rows, name, set.getValue(), proposed);
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

  /** A condition that fails for what was updated has to fail for what was inserted, too. */
  private static Classification guarded(
      Rows rows,
      Map<Column, Expression> sets,
      @Nullable Expression where,
      Changed changed,
      Set<String> proposed,
      Classification update) {
    Map<String, Expression> values = new LinkedHashMap<>();
    sets.forEach((column, value) -> values.put(Names.of(column), value));
    Guards.Guard guard = Guards.find(where, values, changed);
    Expression value = guard == null ? null : values.get(Names.of(guard.column()));
    if (guard == null || value == null) {
      return unknown(
          StatementKind.UPSERT, "whether its condition holds a second time is not known");
    }
    String name = Names.of(guard.column());
    return switch (Agreement.of(rows, name, value, proposed)) {
      case NO ->
          not(
              StatementKind.UPSERT,
              name
                  + " is inserted as one value and updated to another ("
                  + Written.text(value)
                  + "), so that a repeat may change what the first execution wrote");
      case IF_SAME ->
          idempotent(
              StatementKind.COMPARE_AND_SET,
              update.reason()
                  + ", and if "
                  + name
                  + " is inserted and updated with the same parameter");
      case YES -> update;
    };
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
    List<UniqueKey> known = keys.known(rows);
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
    if (covering != null && ifAbsent && rows.takesSome()) {
      return not(
          StatementKind.SELF_SELECTING_WRITE,
          "its limit takes rows that are not in "
              + rows.name()
              + " yet, and a repeat takes others");
    }
    boolean readsMore =
        ifAbsent
            ? rows.sources().reads(rows.table())
                || (rows.query() instanceof PlainSelect select && readsMore(select, rows.name()))
            : readsItself(rows);
    if (covering != null && readsMore) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows come from a query over " + rows.name() + ", which it changes");
    }
    if (covering != null && ifAbsent && rows.gathers(covering)) {
      return not(
          StatementKind.SELF_SELECTING_WRITE,
          "its key is gathered from rows that are not in "
              + rows.name()
              + " yet, and a repeat gathers it from others");
    }
    if (covering != null) {
      return idempotent(
          kind,
          "a repeat is refused by the unique key "
              + covering
              + (ifAbsent ? ", also where two executions at once see no row" : ""));
    }
    if (madeUp != null) {
      return unknown(kind, RowKeys.madeUp(madeUp));
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
        : not(
            StatementKind.PLAIN_INSERT,
            RowKeys.uncovered(rows, known) + ", so a repeat adds a row");
  }

  /** {@code SELECT … WHERE NOT EXISTS (SELECT … FROM the same table)}. */
  private static boolean isIfAbsent(PlainSelect select, String table) {
    return Guards.conjuncts(select.getWhere()).stream()
        .filter(InsertRules::isNotExists)
        .anyMatch(condition -> Scan.of(condition).tables.contains(table));
  }

  /** Whether anything reads the table but that, once in each: the more rows, the fewer to come. */
  private static boolean readsMore(PlainSelect select, String table) {
    int explained =
        Guards.conjuncts(select.getWhere()).stream()
            .filter(InsertRules::isNotExists)
            .map(Scan::of)
            .filter(
                scan -> scan.mentions(table) == 1 && scan.tables.size() == 1 && !Rows.gathers(scan))
            .mapToInt(scan -> 1)
            .sum();
    return Scan.of((Expression) select).mentions(table) > explained;
  }

  private static boolean isNotExists(Expression condition) {
    return condition instanceof NotExpression
        || (condition instanceof ExistsExpression exists && exists.isNot());
  }
}
