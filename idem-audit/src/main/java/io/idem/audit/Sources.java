package io.idem.audit;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.delete.Delete;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.Join;
import net.sf.jsqlparser.statement.select.LateralSubSelect;
import net.sf.jsqlparser.statement.select.ParenthesedFromItem;
import net.sf.jsqlparser.statement.select.ParenthesedSelect;
import net.sf.jsqlparser.statement.select.TableFunction;
import net.sf.jsqlparser.statement.select.Values;
import net.sf.jsqlparser.statement.select.WithItem;
import org.jspecify.annotations.Nullable;

/**
 * What a statement reads besides the rows that it changes.
 *
 * @param items its FROM, USING and joins
 * @param queries those among them, and those of its WITH clause
 * @param conditions of its joins
 * @param joinedBy the columns that its joins compare by their mere name; null for all of them
 */
record Sources(
    List<FromItem> items,
    List<ParenthesedSelect> queries,
    List<Expression> conditions,
    @Nullable List<Column> joinedBy) {

  @SafeVarargs
  static Sources of(
      @Nullable List<WithItem<?>> with, @Nullable FromItem from, @Nullable List<Join>... joins) {
    return of(with, from == null ? List.of() : List.of(from), joins);
  }

  static Sources of(Delete delete) {
    List<FromItem> items = new ArrayList<>();
    if (delete.getUsingFromItemList() != null) {
      items.addAll(delete.getUsingFromItemList());
    }
    return of(delete.getWithItemsList(), items, delete.getJoins());
  }

  @SafeVarargs
  private static Sources of(
      @Nullable List<WithItem<?>> with,
      List<? extends FromItem> from,
      @Nullable List<Join>... joins) {
    List<FromItem> items = new ArrayList<>(from);
    List<Expression> conditions = new ArrayList<>();
    List<Column> using = new ArrayList<>();
    boolean natural = false;
    for (List<Join> each : joins) {
      for (Join join : each == null ? List.<Join>of() : each) {
        items.add(join.getFromItem());
        conditions.addAll(join.getOnExpressions());
        using.addAll(join.getUsingColumns());
        natural |= join.isNatural();
      }
    }
    List<ParenthesedSelect> queries = new ArrayList<>(queries(with));
    for (FromItem item : items) {
      if (item instanceof ParenthesedSelect select) {
        queries.add(select);
      }
    }
    return new Sources(
        List.copyOf(items),
        List.copyOf(queries),
        List.copyOf(conditions),
        natural ? null : List.copyOf(using));
  }

  /** Those of a WITH clause; its changing steps are looked at by themselves. */
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

  /** What is mentioned in each. */
  List<Scan> scans() {
    return Stream.concat(
            items.stream().map(Scan::of), queries.stream().map(each -> Scan.of((Expression) each)))
        .toList();
  }

  /** What among them has another answer at each execution, for a reader; or null. */
  @Nullable String varying() {
    return scans().stream().map(Scan::varying).filter(Objects::nonNull).findFirst().orElse(null);
  }

  /** Whether rows are joined by the mere name of what the statement changes. */
  boolean joinsBy(Changed changed) {
    return joinedBy == null || joinedBy.stream().anyMatch(changed::isNamed);
  }

  /** Whether a table is among what is read. */
  boolean reads(Table table) {
    String name = Names.of(table);
    return scans().stream().anyMatch(scan -> scan.tables.contains(name));
  }

  /**
   * What may carry values of the changed row without being seen to: anything but a table, a query,
   * rows of values and a function of values.
   *
   * @return its text, or null if there is none
   */
  @Nullable String obscure(Changed changed) {
    for (FromItem each : items) {
      FromItem item =
          each instanceof ParenthesedFromItem around
                  && around.getFromItem() instanceof Values
                  && around.getJoins() == null
              ? around.getFromItem()
              : each;
      boolean plain =
          item instanceof Table
              || (item instanceof Values values && isConstant(Scan.of((Expression) values)))
              || (item instanceof TableFunction function
                  && isConstant(Scan.of((Expression) function)));
      boolean query =
          item instanceof ParenthesedSelect select
              && !(item instanceof LateralSubSelect)
              && isUnrelated(select, changed);
      if (!plain && !query) {
        return Written.text(item.toString());
      }
    }
    for (ParenthesedSelect query : queries) {
      if (!isUnrelated(query, changed)) {
        return Written.text(query.toString());
      }
    }
    return null;
  }

  private static boolean isConstant(Scan scan) {
    return scan.columns.isEmpty() && scan.queried.isEmpty() && scan.tables.isEmpty();
  }

  private static boolean isUnrelated(ParenthesedSelect query, Changed changed) {
    Scan scan = Scan.of((Expression) query);
    return !changed.isRead(scan) || Understood.isAccountedFor(query.toString(), scan, changed);
  }
}
