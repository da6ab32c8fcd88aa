package io.idem.audit;

import static io.idem.audit.Classification.idempotent;
import static io.idem.audit.Classification.not;
import static io.idem.audit.Classification.unknown;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.Join;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.select.WithItem;
import net.sf.jsqlparser.statement.update.Update;
import net.sf.jsqlparser.statement.update.UpdateSet;
import org.jspecify.annotations.Nullable;

/** What updates and deletes are to repeats. */
final class UpdateRules {

  private final UniqueKeys keys;
  private final Set<String> harmless;

  UpdateRules(UniqueKeys keys, Set<String> harmless) {
    this.keys = keys;
    this.harmless = harmless;
  }

  Classification of(Update update) {
    Changed changed =
        new Changed(update.getTable())
            .alias(update.getFromItem())
            .aliases(update.getJoins())
            .aliases(update.getStartJoins());
    Map<Column, Expression> sets = sets(update.getUpdateSets());
    changed.columns(sets.keySet());
    Classification rows =
        rows(update.getWhere(), update.getTable(), update.getLimit() != null, changed);
    if (rows != null) {
      return rows;
    }
    List<FromItem> sources = new ArrayList<>(queries(update.getWithItemsList()));
    if (update.getFromItem() != null) {
      sources.add(update.getFromItem());
    }
    for (List<Join> joins : Arrays.asList(update.getJoins(), update.getStartJoins())) {
      if (joins != null) {
        joins.forEach(join -> sources.add(join.getFromItem()));
      }
    }
    for (FromItem source : sources) {
      if (source instanceof ParenthesedSelect select) {
        Classification chosen = query(select, changed, update.getTable());
        if (chosen != null) {
          return chosen;
        }
      }
    }
    return assignments(sets, update.getWhere(), changed, StatementKind.ABSOLUTE_UPDATE);
  }

  /** What a list of assignments under a condition is. */
  Classification assignments(
      Map<Column, Expression> sets,
      @Nullable Expression where,
      Changed changed,
      StatementKind absolute) {
    List<Written> relative = new ArrayList<>();
    Map<String, Expression> values = new LinkedHashMap<>();
    for (Map.Entry<Column, Expression> set : sets.entrySet()) {
      values.put(Names.of(set.getKey()), set.getValue());
      if (harmless.contains(Names.of(set.getKey()))) {
        continue;
      }
      Written written = Written.of(set.getKey(), set.getValue(), changed);
      if (written.nature() == Written.Is.UNKNOWN) {
        return unknown(StatementKind.SIDE_EFFECT, written.why());
      } else if (written.nature() != Written.Is.ABSOLUTE
          && written.nature() != Written.Is.SETTLED) {
        relative.add(written);
      }
    }
    String guard = Guards.find(where, values, changed);
    if (guard != null) {
      return idempotent(StatementKind.COMPARE_AND_SET, "a repeat finds no row: " + guard);
    }
    if (relative.isEmpty()) {
      return idempotent(
          absolute, "a repeat sets " + String.join(", ", values.keySet()) + " to the same");
    }
    Written worst =
        relative.stream()
            .filter(each -> each.nature() == Written.Is.RELATIVE)
            .findFirst()
            .orElse(relative.get(0));
    return not(
        worst.nature() == Written.Is.RELATIVE
            ? StatementKind.RELATIVE_UPDATE
            : StatementKind.NONDETERMINISTIC_WRITE,
        worst.why());
  }

  Classification of(Delete delete) {
    Changed changed = new Changed(delete.getTable());
    Scan everything = Scan.of(delete.getWhere());
    Classification rows =
        rows(delete.getWhere(), delete.getTable(), delete.getLimit() != null, changed);
    if (rows != null) {
      return rows;
    }
    boolean fromItself = changed.isRead(everything);
    for (ParenthesedSelect source : queries(delete.getWithItemsList())) {
      Classification chosen = query(source, changed, delete.getTable());
      if (chosen != null) {
        return chosen;
      }
      fromItself |= changed.isRead(Scan.of((Expression) source));
    }
    if (fromItself) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows are chosen by a query over "
              + Names.of(delete.getTable())
              + ", which may choose others once they are gone");
    }
    return idempotent(
        StatementKind.DELETE,
        delete.getWhere() == null
            ? "a repeat finds no row left"
            : "a repeat finds no row left of those that match"
                + (everything.calls(Nature.CLOCK)
                    ? ", but what has come to match by " + everything.calledOf(Nature.CLOCK)
                    : ""));
  }

  /** What makes the rows of a repeat others than those of the first; null if nothing does. */
  private @Nullable Classification rows(
      @Nullable Expression where, Table table, boolean limited, Changed changed) {
    Scan scan = Scan.of(where);
    if (scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.assigns) {
      return unknown(
          StatementKind.SIDE_EFFECT,
          "its condition asks " + Written.unknownOf(scan) + ", of which nothing is known");
    }
    for (Nature nature : List.of(Nature.RANDOM, Nature.SEQUENCE)) {
      if (scan.calls(nature)) {
        return not(
            StatementKind.NONDETERMINISTIC_WRITE,
            "its rows are chosen by " + scan.calledOf(nature) + ", others at each execution");
      }
    }
    if (limited && !isOneRow(where, table)) {
      return not(
          StatementKind.LIMITED_WRITE,
          "its limit takes some of the rows that match, and a repeat may take others");
    }
    if (changed.isRead(scan)
        && (scan.limited || scan.allColumns || scan.queried.stream().anyMatch(changed::isNamed))) {
      return not(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows are chosen by a query over "
              + Names.of(table)
              + (scan.limited ? " with a limit" : " that reads what it changes")
              + ", and a repeat chooses others");
    }
    return null;
  }

  private boolean isOneRow(@Nullable Expression where, Table table) {
    List<String> pinned = Guards.pinned(where);
    return keys.of(table.getUnquotedSchemaName(), table.getUnquotedName()).stream()
        .anyMatch(key -> pinned.containsAll(key.columns()));
  }

  private static @Nullable Classification query(Select select, Changed changed, Table table) {
    Scan scan = Scan.of((Expression) select);
    if (scan.calls(Nature.UNKNOWN) || scan.calls(Nature.EFFECT) || scan.assigns) {
      return unknown(
          StatementKind.SIDE_EFFECT,
          "it reads " + Written.unknownOf(scan) + ", of which nothing is known");
    }
    return changed.isRead(scan)
            && (scan.limited || scan.allColumns || scan.queried.stream().anyMatch(changed::isNamed))
        ? not(
            StatementKind.SELF_SELECTING_WRITE,
            "its rows are chosen by a query over "
                + Names.of(table)
                + " that "
                + (scan.limited ? "has a limit" : "reads what it changes")
                + ", and a repeat chooses others")
        : null;
  }

  static List<ParenthesedSelect> queries(@Nullable List<WithItem<?>> with) {
    List<ParenthesedSelect> queries = new ArrayList<>();
    if (with != null) {
      for (WithItem<?> item : with) {
        if (item.getParenthesedStatement() instanceof ParenthesedSelect select) {
          queries.add(select);
        }
      }
    }
    return queries;
  }

  /** Assignments, one by one: {@code (a, b) = (1, 2)} is two. */
  static Map<Column, Expression> sets(List<UpdateSet> updateSets) {
    Map<Column, Expression> sets = new LinkedHashMap<>();
    for (UpdateSet set : updateSets) {
      List<Column> columns = set.getColumns();
      List<? extends Expression> values = Written.valuesOf(set.getValues());
      for (int i = 0; i < columns.size(); i++) {
        // A query for several columns stands for each of them.
        sets.put(columns.get(i), values.get(values.size() == columns.size() ? i : 0));
      }
    }
    return sets;
  }
}
