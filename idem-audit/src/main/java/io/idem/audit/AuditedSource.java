package io.idem.audit;

import io.idem.audit.StatementAudit.Judged;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an audit knows of one data source: the unique keys, and the verdicts that rest on them, of
 * each catalog and schema that its connections are in. A table of the same name elsewhere is
 * another. Thread-safe.
 */
final class AuditedSource {

  /** Those that a unique key may make idempotent. */
  private static final Set<StatementKind> KEYED =
      EnumSet.of(
          StatementKind.PLAIN_INSERT,
          StatementKind.UNIQUE_INSERT,
          StatementKind.INSERT_OR_IGNORE,
          StatementKind.INSERT_IF_ABSENT,
          StatementKind.UPSERT,
          StatementKind.MERGE,
          StatementKind.LIMITED_WRITE);

  /** Where there are more, such as one schema for each tenant, the others are not asked. */
  private static final int MAX_PLACES = 64;

  private final StatementAudit audit;
  private final Function<UniqueKeys, StatementClassifier> classifiers;
  private final Map<Place, Keyed> places = new ConcurrentHashMap<>();

  private record Place(String catalog, String schema) {}

  private record Keyed(MetadataUniqueKeys keys, StatementClassifier classifier) {}

  AuditedSource(StatementAudit audit, Function<UniqueKeys, StatementClassifier> classifiers) {
    this.audit = audit;
    this.classifiers = classifiers;
  }

  /** Looks at a statement that is about to run. Null if there is nothing to say of it. */
  @Nullable Judged judge(String sql, Connection connection) {
    return audit.judge(sql, connection, this);
  }

  /** Notes a statement that has run. */
  void note(Judged judged) {
    audit.note(judged);
  }

  /** With what the database tells of unique keys, where it matters. */
  Classification refined(String sql, Classification without, Connection connection) {
    // Which rows a query takes is known where a key leaves one; what the time is, never.
    boolean anyRows =
        without.kind() == StatementKind.NONDETERMINISTIC_WRITE
            && without.verdict() == Verdict.UNKNOWN;
    if (without.isIdempotent() || !(anyRows || KEYED.contains(without.kind()))) {
      return without;
    }
    Keyed keyed = keyed(connection);
    if (keyed == null) {
      return without;
    }
    Classification found = keyed.classifier().classify(sql);
    return !found.isIdempotent() && keyed.keys().read(connection)
        ? keyed.classifier().again(sql)
        : found;
  }

  private @Nullable Keyed keyed(Connection connection) {
    Place place;
    try {
      place =
          new Place(
              String.valueOf(connection.getCatalog()), String.valueOf(connection.getSchema()));
    } catch (SQLException | RuntimeException e) {
      return null; // such as in a transaction that can only be rolled back
    }
    if (places.size() >= MAX_PLACES && !places.containsKey(place)) {
      return null;
    }
    return places.computeIfAbsent(
        place,
        any -> {
          MetadataUniqueKeys keys = new MetadataUniqueKeys();
          return new Keyed(keys, classifiers.apply(keys));
        });
  }
}
