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
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.BinaryExpression;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.expression.operators.relational.EqualsTo;
import net.sf.jsqlparser.expression.operators.relational.ExpressionList;
import net.sf.jsqlparser.expression.operators.relational.GreaterThan;
import net.sf.jsqlparser.expression.operators.relational.IsDistinctExpression;
import net.sf.jsqlparser.expression.operators.relational.MinorThan;
import net.sf.jsqlparser.expression.operators.relational.NotEqualsTo;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.merge.Merge;
import net.sf.jsqlparser.statement.merge.MergeDelete;
import net.sf.jsqlparser.statement.merge.MergeInsert;
import net.sf.jsqlparser.statement.merge.MergeOperation;
import net.sf.jsqlparser.statement.merge.MergeUpdate;
import net.sf.jsqlparser.statement.select.Select;
import org.jspecify.annotations.Nullable;

/** What MERGE is to repeats. */
final class MergeRules {

  private final UniqueKeys keys;
  private final UpdateRules updates;
  private final Set<String> harmless;

  MergeRules(UniqueKeys keys, UpdateRules updates, Set<String> harmless) {
    this.keys = keys;
    this.updates = updates;
    this.harmless = harmless;
  }

  Classification of(Merge merge) {
    Changed changed = new Changed(merge.getTable()).source(merge.getFromItem());
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
    if (operations.stream().filter(MergeUpdate.class::isInstance).count() > 1
        || operations.stream().filter(MergeInsert.class::isInstance).count() > 1) {
      return unknown(
          StatementKind.MERGE, "which of its branches a repeat takes for a row is not known");
    }
    Classification chosen = chosen(merge, operations);
    if (chosen != null) {
      return chosen;
    }
    for (MergeOperation operation : operations) {
      if (operation instanceof MergeUpdate update) {
        if (update.getDeleteWhereCondition() != null) {
          return unknown(StatementKind.MERGE, "which of the rows it deletes is not known");
        }
        Map<Column, Expression> sets = UpdateRules.sets(update.getUpdateSets());
        changed.columns(sets.keySet());
        Classification assignments =
            updates.assignments(sets, update.getAndPredicate(), changed, StatementKind.MERGE);
        if (!assignments.isIdempotent()) {
          return assignments;
        }
        boolean guarded = assignments.kind() == StatementKind.COMPARE_AND_SET;
        if (isMatchedBy(merge.getOnCondition(), changed)
            || (!guarded
                && Stream.of(update.getAndPredicate(), update.getWhereCondition())
                    .flatMap(each -> Guards.conjuncts(each).stream())
                    .anyMatch(each -> changed.isMatched(each) && !isUntilSet(each, sets)))) {
          return unknown(
              StatementKind.SELF_SELECTING_WRITE,
              "it sets what its rows are matched with others by, and a repeat may match others");
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
        || Sources.queries(merge.getWithItemsList()).stream()
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
    Classification any =
        updates.anyRows(
            Sources.of(merge.getWithItemsList(), merge.getFromItem()),
            merge.getOnCondition() == null ? List.of() : List.of(merge.getOnCondition()));
    if (any != null) {
      return any;
    }
    if (insert == null) {
      return idempotent(StatementKind.MERGE, "a repeat sets or deletes the same");
    }
    return mergeInsert(merge, insert, updated);
  }

  /**
   * A comparison of a column with the very value that it is set to, which no longer holds or sets
   * the same: a row that two others match is refused.
   */
  private static boolean isUntilSet(Expression condition, Map<Column, Expression> sets) {
    if (!(condition instanceof MinorThan
        || condition instanceof GreaterThan
        || condition instanceof NotEqualsTo
        || condition instanceof IsDistinctExpression)) {
      return false;
    }
    BinaryExpression comparison = (BinaryExpression) condition;
    return isSet(comparison.getLeftExpression(), comparison.getRightExpression(), sets)
        || isSet(comparison.getRightExpression(), comparison.getLeftExpression(), sets);
  }

  private static boolean isSet(Expression column, Expression value, Map<Column, Expression> sets) {
    return column instanceof Column own
        && sets.entrySet().stream()
            .anyMatch(
                set ->
                    Names.of(set.getKey()).equals(Names.of(own))
                        && set.getValue().toString().equalsIgnoreCase(value.toString()));
  }

  private static boolean isMatchedBy(@Nullable Expression on, Changed changed) {
    Scan scan = Scan.of(on);
    return Stream.concat(scan.columns.stream(), scan.queried.stream()).anyMatch(changed::isChanged);
  }

  /** Rows or values that are others at each execution. */
  private static @Nullable Classification chosen(Merge merge, List<MergeOperation> operations) {
    List<Expression> conditions = new ArrayList<>();
    conditions.add(merge.getOnCondition());
    boolean writes = false;
    for (MergeOperation operation : operations) {
      if (operation instanceof MergeUpdate update) {
        writes = true;
        conditions.addAll(Guards.conjuncts(update.getAndPredicate()));
        conditions.addAll(Guards.conjuncts(update.getWhereCondition()));
      } else if (operation instanceof MergeInsert insert) {
        writes = true;
        conditions.addAll(Guards.conjuncts(insert.getAndPredicate()));
        conditions.addAll(Guards.conjuncts(insert.getWhereCondition()));
      } else if (operation instanceof MergeDelete delete) {
        conditions.addAll(Guards.conjuncts(delete.getAndPredicate()));
      }
    }
    Sources sources = Sources.of(merge.getWithItemsList(), merge.getFromItem());
    if (conditions.stream()
        .anyMatch(each -> Scan.of(each).tables.contains(Names.of(merge.getTable())))) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows are chosen by a query over "
              + Names.of(merge.getTable())
              + ", which it changes");
    }
    for (Scan scan :
        Stream.concat(conditions.stream().map(Scan::of), sources.scans().stream()).toList()) {
      for (Nature nature : List.of(Nature.RANDOM, Nature.SEQUENCE)) {
        if (scan.calls(nature)) {
          return not(
              StatementKind.NONDETERMINISTIC_WRITE,
              "its rows are chosen by " + scan.calledOf(nature) + ", others at each execution");
        }
      }
    }
    String varying = writes ? sources.varying() : null;
    return varying == null
        ? null
        : unknown(
            StatementKind.NONDETERMINISTIC_WRITE,
            "what it writes may come from " + varying + ", which differs at each execution");
  }

  private Classification mergeInsert(
      Merge merge, MergeInsert insert, Map<Column, Expression> updated) {
    ExpressionList<Column> columns = insert.getColumns();
    Rows rows =
        new Rows(
            merge.getTable(),
            columns == null ? null : columns.stream().map(Names::of).toList(),
            List.of(Written.valuesOf(insert.getValues())),
            null,
            Sources.of(merge.getWithItemsList(), merge.getFromItem()));
    Classification functions = rows.functions();
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
          && Agreement.of(rows, name, set.getValue(), Set.of()) == Agreement.NO) {
        return not(
            StatementKind.MERGE,
            name
                + " is inserted as one value and updated to another ("
                + Written.text(set.getValue())
                + "), so a repeat changes what the first execution wrote");
      }
    }
    boolean unique =
        keys.of(rows.table().getUnquotedSchemaName(), rows.table().getUnquotedName()).stream()
            .anyMatch(key -> matched.containsAll(key.columns()));
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
