package io.idem.audit;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import net.sf.jsqlparser.expression.Expression;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.Join;
import org.jspecify.annotations.Nullable;

/** What a statement changes: columns of a table, by all the names it goes by. */
final class Changed {

  final Table table;

  /** What may stand before a column of the changed row. */
  private final Set<String> names = new HashSet<>();

  /** Those of the table that the statement names first. */
  private final Set<String> own = new HashSet<>();

  /** Those of other rows of the same table. */
  private final Set<String> others = new HashSet<>();

  /** Those of everything that the statement reads. */
  private final Set<String> sources = new HashSet<>();

  private final Set<String> columns = new HashSet<>();

  /** The columns as the statement spells them. */
  private final Set<String> spelled = new HashSet<>();

  private final Set<String> qualifiers = new HashSet<>();
  private boolean unqualified;
  private boolean joined;

  Changed(Table table) {
    this.table = table;
    String alias = Names.of(table.getAlias());
    add(names, Names.of(table));
    add(names, alias);
    // Behind an alias the table's own name is no name of it, but perhaps of another row.
    own.add(alias == null ? Names.of(table) : alias);
    sources.addAll(names);
    sources.add("excluded");
  }

  Changed columns(Collection<Column> written) {
    for (Column column : written) {
      columns.add(Names.of(column));
      spelled.add(column.getColumnName());
      String qualifier = Names.qualifierOf(column);
      unqualified |= qualifier == null;
      add(qualifiers, qualifier);
      add(names, qualifier);
    }
    return this;
  }

  /** Something else that the statement reads, perhaps the table once more, under another name. */
  Changed source(@Nullable FromItem item) {
    if (item == null) {
      return this;
    }
    joined = true;
    String alias = Names.of(item.getAlias());
    add(sources, alias);
    if (item instanceof Table other) {
      add(sources, Names.of(other));
      if (Names.of(other).equals(Names.of(table))) {
        others.add(alias == null ? Names.of(other) : alias);
      }
    }
    return this;
  }

  Changed sources(@Nullable List<Join> joins) {
    if (joins != null) {
      joins.forEach(join -> source(join.getFromItem()));
    }
    return this;
  }

  /** A name for the rows that an insert proposes. */
  Changed proposed(Collection<String> aliases) {
    sources.addAll(aliases);
    return this;
  }

  private static void add(Set<String> all, @Nullable String name) {
    if (name != null) {
      all.add(name);
    }
  }

  /** Whether a column is one of those that the statement changes. */
  boolean isChanged(Column column) {
    String qualifier = Names.qualifierOf(column);
    return isOfChangedRow(column) || (isNamed(column) && others.contains(qualifier));
  }

  /** Whether a column is one of those, of the very row that is changed. */
  boolean isOfChangedRow(Column column) {
    String qualifier = Names.qualifierOf(column);
    return isNamed(column) && (qualifier == null || names.contains(qualifier));
  }

  /** Whether a column is one of those, of another row of the table. */
  boolean isOfAnotherRow(Column column) {
    return isNamed(column) && others.contains(String.valueOf(Names.qualifierOf(column)));
  }

  /**
   * Whether it is certain that a column is of the one table that the statement changes. It is not
   * where several are changed, or where a name may be of another table.
   */
  boolean isOfTheOneTable(Column column) {
    String qualifier = Names.qualifierOf(column);
    if (!joined) {
      return qualifier == null || own.contains(qualifier);
    }
    if (isSeveral()) {
      return false;
    }
    if (qualifiers.isEmpty()) {
      return qualifier == null ? isNamed(column) : own.contains(qualifier);
    }
    return qualifier != null && qualifiers.contains(qualifier);
  }

  /** Whether a column is one of those in any database, however names are compared there. */
  boolean isWrittenAlike(Column column) {
    return spelled.stream()
        .filter(name -> Names.plain(name).equals(Names.of(column)))
        .allMatch(name -> Names.same(name, column.getColumnName()));
  }

  /** Whether a column may be one of what the statement reads besides the changed row. */
  boolean mayBeOfSource(Column column) {
    String qualifier = Names.qualifierOf(column);
    return qualifier == null ? joined && !isNamed(column) : !own.contains(qualifier);
  }

  /** Whether a condition compares what is changed with what may be of another row. */
  boolean isMatched(Expression condition) {
    Scan scan = Scan.of(condition);
    List<Column> all = new ArrayList<>(scan.columns);
    all.addAll(scan.queried);
    return all.stream()
        .filter(this::isChanged)
        .anyMatch(
            one ->
                all.stream()
                    .anyMatch(
                        other ->
                            (isSeveral() || mayBeOfSource(other))
                                && !other.toString().equalsIgnoreCase(one.toString())));
  }

  /** Whether rows of more than one table are changed. */
  boolean isSeveral() {
    return qualifiers.size() + (unqualified ? 1 : 0) > 1;
  }

  /** Whether nothing but the changed table is read, so that each row meets itself alone. */
  boolean isAlone() {
    return !joined;
  }

  /** Whether a column is called like one of those, whatever it is qualified with. */
  boolean isNamed(Column column) {
    return columns.contains(Names.of(column));
  }

  /** Whether a query reads the table that the statement changes. */
  boolean isRead(Scan query) {
    return query.tables.contains(Names.of(table));
  }

  /** Whether a name is one of a table or a query of the statement. */
  boolean isSource(String name) {
    return sources.contains(name);
  }

  /** What columns are qualified with that are no table's: parts of composite ones, perhaps. */
  Set<String> unresolved() {
    return qualifiers.stream()
        .filter(name -> !sources.contains(name))
        .collect(Collectors.toUnmodifiableSet());
  }

  Set<String> columnNames() {
    return columns;
  }

  /** All names of the table, for whichever of its rows. */
  Set<String> tableNames() {
    Set<String> all = new HashSet<>(names);
    all.addAll(others);
    return all;
  }
}
