package io.idem.audit;

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The unique keys that a database tells of the tables that one catalog and schema see. It answers
 * from memory only, and notes what it is asked for and does not know; who has a connection
 * {@linkplain #read reads} it. So no second connection is ever taken, and none is used by a thread
 * that is not its own. Thread-safe.
 */
final class MetadataUniqueKeys implements UniqueKeys {

  private static final Logger log = LoggerFactory.getLogger("io.idem.audit");

  private static final int MAX_TABLES = 2_000;

  private final Map<Name, List<UniqueKey>> known = new ConcurrentHashMap<>();
  private final Set<Name> wanted = ConcurrentHashMap.newKeySet();

  private record Name(String schema, String table) {}

  @Override
  public List<UniqueKey> of(@Nullable String schema, String table) {
    Name name = new Name(schema == null ? "" : schema, table);
    List<UniqueKey> keys = known.get(name);
    if (keys == null && known.size() < MAX_TABLES) {
      wanted.add(name);
    }
    return keys == null ? List.of() : keys;
  }

  /**
   * Reads what was asked for in vain.
   *
   * @param connection the calling thread's; nothing is left open on it
   * @return whether something was read
   */
  boolean read(Connection connection) {
    if (wanted.isEmpty()) {
      return false;
    }
    boolean read = false;
    Savepoint before = savepoint(connection);
    for (Name name : List.copyOf(wanted)) {
      if (!wanted.remove(name)) {
        continue;
      }
      try {
        List<UniqueKey> keys = keys(connection, name);
        known.put(name, keys);
        read |= !keys.isEmpty();
      } catch (SQLException | RuntimeException e) {
        // Such as in a transaction that can only be rolled back: the next one may tell.
        log.debug("The unique keys of table {} cannot be read now", name.table(), e);
        returnTo(before, connection);
      }
    }
    release(before, connection);
    return read;
  }

  /** PostgreSQL gives up a transaction in which anything failed: nothing of it may be lost. */
  private static @Nullable Savepoint savepoint(Connection connection) {
    try {
      return connection.getAutoCommit() ? null : connection.setSavepoint();
    } catch (SQLException | RuntimeException e) {
      return null;
    }
  }

  private static void returnTo(@Nullable Savepoint savepoint, Connection connection) {
    try {
      if (savepoint != null) {
        connection.rollback(savepoint);
      }
    } catch (SQLException | RuntimeException e) {
      log.debug("The transaction cannot be returned to where its unique keys were asked for", e);
    }
  }

  private static void release(@Nullable Savepoint savepoint, Connection connection) {
    try {
      if (savepoint != null) {
        connection.releaseSavepoint(savepoint);
      }
    } catch (SQLException | RuntimeException e) {
      log.debug("A savepoint cannot be released", e);
    }
  }

  private static List<UniqueKey> keys(Connection connection, Name name) throws SQLException {
    DatabaseMetaData metadata = connection.getMetaData();
    String schema = name.schema().isEmpty() ? connection.getSchema() : name.schema();
    String catalog = connection.getCatalog();
    if (!name.schema().isEmpty() && !metadata.supportsSchemasInDataManipulation()) {
      catalog = name.schema(); // MySQL: what stands before a table is its database
      schema = null;
    }
    Set<String> tables = new LinkedHashSet<>();
    tables.add(folded(metadata, name.table()));
    tables.add(name.table());
    tables.add(name.table().toUpperCase(Locale.ROOT));
    tables.add(name.table().toLowerCase(Locale.ROOT));
    for (String table : tables) {
      for (String place :
          schema == null ? new String[] {null} : new String[] {schema, folded(metadata, schema)}) {
        List<UniqueKey> keys = keys(metadata, catalog, place, table);
        if (!keys.isEmpty()) {
          return keys;
        }
      }
    }
    return List.of();
  }

  private static String folded(DatabaseMetaData metadata, String name) throws SQLException {
    return metadata.storesUpperCaseIdentifiers()
        ? name.toUpperCase(Locale.ROOT)
        : metadata.storesLowerCaseIdentifiers() ? name.toLowerCase(Locale.ROOT) : name;
  }

  private static List<UniqueKey> keys(
      DatabaseMetaData metadata, @Nullable String catalog, @Nullable String schema, String table)
      throws SQLException {
    Set<String> primary = new LinkedHashSet<>();
    try (ResultSet columns = metadata.getPrimaryKeys(catalog, schema, table)) {
      while (columns.next()) {
        primary.add(columns.getString("COLUMN_NAME"));
      }
    }
    Map<String, Set<String>> indexes = new TreeMap<>();
    Set<String> partial = new LinkedHashSet<>(); // refuse some repeats only, or by an expression
    try (ResultSet columns = metadata.getIndexInfo(catalog, schema, table, true, true)) {
      while (columns.next()) {
        String index = columns.getString("INDEX_NAME");
        String column = columns.getString("COLUMN_NAME");
        if (index == null) {
          continue; // statistics of the table
        }
        if (column == null || columns.getString("FILTER_CONDITION") != null) {
          partial.add(index);
          continue;
        }
        indexes.computeIfAbsent(index, any -> new LinkedHashSet<>()).add(column);
      }
    }
    Map<Set<String>, UniqueKey> keys = new LinkedHashMap<>();
    if (!primary.isEmpty()) {
      UniqueKey key = UniqueKey.of(primary, true);
      keys.put(key.columns(), key);
    }
    indexes.forEach(
        (index, columns) -> {
          if (!partial.contains(index)) {
            UniqueKey key = UniqueKey.of(columns, false);
            keys.putIfAbsent(key.columns(), key);
          }
        });
    return new ArrayList<>(keys.values());
  }
}
