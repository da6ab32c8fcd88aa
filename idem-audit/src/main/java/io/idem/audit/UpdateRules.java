package io.idem.audit;

import static io.idem.audit.Classification.idempotent;
import static io.idem.audit.Classification.not;
import static io.idem.audit.Classification.unknown;

import io.idem.audit.Functions.Nature;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.Select;
import net.sf.jsqlparser.statement.update.Update;
import net.sf.jsqlparser.statement.update.UpdateSet;
import org.jspecify.annotations.Nullable;

/** What updates and deletes are to repeats. */
final class UpdateRules {

  private final UniqueKeys keys;
  private final Unsettled unsettled;
  private final Set<String> harmless;

  UpdateRules(UniqueKeys keys, Set<String> harmless) {
    this.keys = keys;
    this.unsettled = new Unsettled(keys);
    this.harmless = harmless;
  }

  Classification of(Update update) {
    Changed changed =
        new Changed(update.getTable())
            .source(update.getFromItem())
            .sources(update.getJoins())
            .sources(update.getStartJoins());
    Map<Column, Expression> sets = sets(update.getUpdateSets());
    changed.columns(sets.keySet());
    Sources sources =
        Sources.of(
            update.getWithItemsList(),
            update.getFromItem(),
            update.getJoins(),
            update.getStartJoins());
    List<Expression> conditions = new ArrayList<>(sources.conditions());
    if (update.getWhere() != null) {
      conditions.add(update.getWhere());
    }
    Classification rows = null;
    for (Expression condition : conditions) {
      rows = rows == null ? functions(condition) : rows;
    }
    rows = rows == null ? limit(update.getWhere(), update.getLimit() != null, changed) : rows;
    for (Expression condition : conditions) {
      rows = rows == null ? selecting(condition, changed) : rows;
    }
    for (ParenthesedSelect select : sources.queries()) {
      rows = rows == null ? query(select, changed, update.getTable()) : rows;
    }
    rows = rows == null ? chosenBy(sources) : rows;
    if (rows != null) {
      return rows;
    }
    Classification found =
        assignments(sets, update.getWhere(), changed, StatementKind.ABSOLUTE_UPDATE);
    if (!found.isIdempotent()) {
      return found;
    }
    Classification any = anyRows(sources, conditions);
    if (any != null) {
      return any;
    }
    String obscure = sources.obscure(changed);
    if (obscure != null) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "it reads " + obscure + ", which is not understood completely");
    }
    Classification matched =
        found.kind() == StatementKind.COMPARE_AND_SET
            ? null
            : matched(sets, changed, sources, conditions);
    if (matched != null) {
      return matched;
    }
    boolean spreads =
        found.kind() != StatementKind.COMPARE_AND_SET
            && conditions.stream()
                .anyMatch(each -> Scan.of(each).columns.stream().anyMatch(changed::isOfAnotherRow));
    return spreads
        ? unknown(
            StatementKind.SELF_SELECTING_WRITE,
            "its rows are chosen by what it changes in others, and a repeat may choose more")
        : found;
  }

  /** Rows or values that are made up where they are read, others at each execution. */
  private static @Nullable Classification chosenBy(Sources sources) {
    for (Scan scan : sources.scans()) {
      for (Nature nature : List.of(Nature.RANDOM, Nature.SEQUENCE)) {
        if (scan.calls(nature)) {
          return not(
              StatementKind.NONDETERMINISTIC_WRITE,
              "its rows are chosen by " + scan.calledOf(nature) + ", others at each execution");
        }
      }
    }
    return null;
  }

  /** Rows that are chosen by any rows of others. */
  @Nullable Classification anyRows(Sources sources, List<Expression> conditions) {
    String any =
        unsettled.anyRowsOf(
            Stream.concat(conditions.stream().map(Scan::of), sources.scans().stream()));
    return any == null
        ? null
        : unknown(StatementKind.NONDETERMINISTIC_WRITE, "its rows are chosen by " + any);
  }

  /** Values that come from rows which a repeat may find to be others. */
  private @Nullable Classification matched(
      Map<Column, Expression> sets, Changed changed, Sources sources, List<Expression> conditions) {
    boolean reads =
        sets.entrySet().stream()
            .filter(set -> !harmless.contains(Names.of(set.getKey())))
            .map(set -> Scan.of(set.getValue()))
            .anyMatch(
                scan ->
                    !scan.queried.isEmpty()
                        || scan.allColumns
                        || scan.columns.stream().anyMatch(changed::mayBeOfSource));
    String varying = reads ? sources.varying() : null;
    if (varying != null) {
      return unknown(
          StatementKind.NONDETERMINISTIC_WRITE,
          "what it sets may come from " + varying + ", which differs at each execution");
    }
    if (changed.isAlone() || !(reads || changed.isSeveral())) {
      return null;
    }
    return sources.joinsBy(changed)
            || conditions.stream()
                .flatMap(each -> Guards.conjuncts(each).stream())
                .anyMatch(changed::isMatched)
        ? unknown(
            StatementKind.SELF_SELECTING_WRITE,
            "it sets what its rows are matched with others by, and a repeat may match others")
        : null;
  }

  /** What a list of assignments under a condition is. */
  Classification assignments(
      Map<Column, Expression> sets,
      @Nullable Expression where,
      Changed changed,
      StatementKind absolute) {
    if (!changed.unresolved().isEmpty()) {
      return unknown(
          StatementKind.SIDE_EFFECT,
          "it sets parts of "
              + String.join(", ", changed.unresolved())
              + ", or what belongs to a table that it does not name");
    }
    List<Written> relative = new ArrayList<>();
    Map<String, Expression> values = new LinkedHashMap<>();
    for (Map.Entry<Column, Expression> set : sets.entrySet()) {
      if (changed.isOfTheOneTable(set.getKey()) || changed.isAlone()) {
        values.put(Names.of(set.getKey()), set.getValue());
      }
      if (harmless.contains(Names.of(set.getKey()))) {
        continue;
      }
      Written written = Written.of(set.getKey(), set.getValue(), changed);
      if (written.nature() == Written.Is.UNKNOWN) {
        return unknown(StatementKind.SIDE_EFFECT, written.why());
      } else if (written.nature() != Written.Is.ABSOLUTE
          && written.nature() != Written.Is.SETTLED) {
        relative.add(written);
      } else {
        String why = unsettled.in(set.getValue());
        if (why != null) {
          relative.add(new Written(Written.Is.UNSETTLED, Names.of(set.getKey()) + " " + why));
        }
      }
    }
    Guards.Guard guard = Guards.find(where, values, changed);
    if (guard != null) {
      return idempotent(StatementKind.COMPARE_AND_SET, "a repeat finds no row: " + guard);
    }
    if (relative.isEmpty()) {
      return idempotent(
          absolute,
          "a repeat sets "
              + sets.keySet().stream().map(Names::of).collect(Collectors.joining(", "))
              + " to the same");
    }
    Written worst =
        Stream.of(Written.Is.RELATIVE, Written.Is.NONDETERMINISTIC)
            .flatMap(nature -> relative.stream().filter(each -> each.nature() == nature))
            .findFirst()
            .orElse(relative.get(0));
    if (worst.nature() == Written.Is.UNSETTLED) {
      return unknown(StatementKind.NONDETERMINISTIC_WRITE, worst.why());
    }
    return not(
        worst.nature() == Written.Is.RELATIVE
            ? StatementKind.RELATIVE_UPDATE
            : StatementKind.NONDETERMINISTIC_WRITE,
        worst.why());
  }

  Classification of(Delete delete) {
    Changed changed = new Changed(delete.getTable());
    Sources sources = Sources.of(delete);
    List<Expression> conditions = new ArrayList<>(sources.conditions());
    if (delete.getWhere() != null) {
      conditions.add(delete.getWhere());
    }
    Classification rows = null;
    for (Expression condition : conditions) {
      rows = rows == null ? functions(condition) : rows;
    }
    rows = rows == null ? limit(delete.getWhere(), delete.getLimit() != null, changed) : rows;
    for (Expression condition : conditions) {
      rows = rows == null ? selecting(condition, changed) : rows;
    }
    for (ParenthesedSelect select : sources.queries()) {
      rows = rows == null ? query(select, changed, delete.getTable()) : rows;
    }
    rows = rows == null ? chosenBy(sources) : rows;
    if (rows != null) {
      return rows;
    }
    boolean fromItself =
        sources.reads(delete.getTable())
            || conditions.stream().anyMatch(each -> changed.isRead(Scan.of(each)));
    String read =
        fromItself
            ? Names.of(delete.getTable())
            : readOfOthers(delete, sources, conditions, changed);
    if (read == null) {
      read = sources.obscure(changed);
    }
    if (read != null) {
      return unknown(
          StatementKind.SELF_SELECTING_WRITE,
          "its rows are chosen by a query over "
              + read
              + ", which may choose others once they are gone");
    }
    Classification any = anyRows(sources, conditions);
    if (any != null) {
      return any;
    }
    Scan everything = Scan.of(delete.getWhere());
    return idempotent(
        StatementKind.DELETE,
        delete.getWhere() == null
            ? "a repeat finds no row left"
            : "a repeat finds no row left of those that match"
                + (everything.calls(Nature.CLOCK)
                    ? ", but what has come to match by " + everything.calledOf(Nature.CLOCK)
                    : ""));
  }

  /**
   * A table that MySQL deletes from besides the first, and that decides which rows these are in
   * more places than the one; or null.
   */
  private static @Nullable String readOfOthers(
      Delete delete, Sources sources, List<Expression> conditions, Changed changed) {
    for (Table named : delete.getTables() == null ? List.<Table>of() : delete.getTables()) {
      String name = Names.of(named);
      String alias = Names.of(delete.getTable().getAlias());
      if (name.equals(alias == null ? Names.of(changed.table) : alias)) {
        continue;
      }
      for (FromItem item : sources.items()) {
        String other = Names.of(item.getAlias());
        if (item instanceof Table table && name.equals(other == null ? Names.of(table) : other)) {
          name = Names.of(table);
        }
      }
      String deleted = name;
      long times = sources.scans().stream().filter(scan -> scan.tables.contains(deleted)).count();
      if (times != 1
          || conditions.stream().anyMatch(each -> Scan.of(each).tables.contains(deleted))) {
        return deleted;
      }
    }
    return null;
  }

  /** What a condition asks that makes the rows of a repeat others than those of the first. */
  private static @Nullable Classification functions(Expression condition) {
    Scan scan = Scan.of(condition);
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
    return null;
  }

  private @Nullable Classification limit(
      @Nullable Expression where, boolean limited, Changed changed) {
    return limited && !isOneRow(where, changed.table)
        ? not(
            StatementKind.LIMITED_WRITE,
            "its limit takes some of the rows that match, and a repeat may take others")
        : null;
  }

  private static @Nullable Classification selecting(Expression condition, Changed changed) {
    Scan scan = Scan.of(condition);
    return changed.isRead(scan)
            && (scan.limited || scan.allColumns || scan.queried.stream().anyMatch(changed::isNamed))
        ? not(
            StatementKind.SELF_SELECTING_WRITE,
            "its rows are chosen by a query over "
                + Names.of(changed.table)
                + (scan.limited ? " with a limit" : " that reads what it changes")
                + ", and a repeat chooses others")
        : unlocked(scan);
  }

  private boolean isOneRow(@Nullable Expression where, Table table) {
    List<String> pinned = Guards.pinned(where);
    return keys.of(table.getUnquotedSchemaName(), table.getUnquotedName()).stream()
        .anyMatch(key -> pinned.containsAll(key.columns()));
  }

  private static @Nullable Classification query(Select select, Changed changed, Table table) {
    Scan scan = Scan.of((Expression) select);
    if (scan.calls(Nature.RANDOM) || scan.calls(Nature.SEQUENCE)) {
      return not(
          StatementKind.NONDETERMINISTIC_WRITE,
          "its rows are chosen by "
              + scan.calledOf(scan.calls(Nature.RANDOM) ? Nature.RANDOM : Nature.SEQUENCE)
              + ", others at each execution");
    }
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
        : unlocked(scan);
  }

  private static @Nullable Classification unlocked(Scan scan) {
    return scan.skipsLocked
        ? not(
            StatementKind.NONDETERMINISTIC_WRITE,
            "its rows are chosen among those that nobody has locked, others at each execution")
        : null;
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
