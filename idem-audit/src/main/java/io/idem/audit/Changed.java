package io.idem.audit;

import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import net.sf.jsqlparser.schema.Column;
import net.sf.jsqlparser.schema.Table;
import net.sf.jsqlparser.statement.select.FromItem;
import net.sf.jsqlparser.statement.select.Join;
import org.jspecify.annotations.Nullable;

/** What a statement changes: columns of a table, by all the names it goes by. */
final class Changed implements Written.Target {

  final Table table;
  private final Set<String> names = new HashSet<>();
  private final Set<String> others = new HashSet<>();
  private final Set<String> columns = new HashSet<>();

  Changed(Table table) {
    this.table = table;
    names.add(Names.of(table));
    add(Names.of(table.getAlias()));
  }

  Changed columns(Collection<Column> written) {
    for (Column column : written) {
      columns.add(Names.of(column));
      add(Names.qualifierOf(column));
    }
    return this;
  }

  /** The table once more, under another name. */
  Changed alias(@Nullable FromItem item) {
    if (item instanceof Table same && Names.of(same).equals(Names.of(table))) {
      String alias = Names.of(same.getAlias());
      if (alias != null) {
        others.add(alias);
      }
    }
    return this;
  }

  Changed aliases(@Nullable List<Join> joins) {
    if (joins != null) {
      joins.forEach(join -> alias(join.getFromItem()));
    }
    return this;
  }

  private void add(@Nullable String name) {
    if (name != null) {
      names.add(name);
    }
  }

  @Override
  public boolean isChanged(Column column) {
    String qualifier = Names.qualifierOf(column);
    return isOfChangedRow(column) || (isNamed(column) && others.contains(qualifier));
  }

  @Override
  public boolean isOfChangedRow(Column column) {
    String qualifier = Names.qualifierOf(column);
    return isNamed(column) && (qualifier == null || names.contains(qualifier));
  }

  @Override
  public boolean isNamed(Column column) {
    return columns.contains(Names.of(column));
  }

  @Override
  public boolean isRead(Scan query) {
    return query.tables.contains(Names.of(table));
  }
}
