package io.idem.jdbc.internal;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The statements of one table: their texts, and how they are kept from taking longer than they may.
 * Thread-safe; errors are the driver's.
 */
final class Statements {

  private final DialectSpec dialect;
  private final long queryTimeoutMillis;
  private final Map<String, String> words;
  private final Map<Verb, Sql> plain = new EnumMap<>(Verb.class);
  private final Map<Verb, Sql> guarded = new EnumMap<>(Verb.class);
  private final StatementTimeouts timeouts;

  /**
   * Makes the texts.
   *
   * @param dialect the database
   * @param table the table
   * @param queryTimeout how long a statement may take beyond its wait for a lock; zero for no limit
   * @param timeouts cancels those that take longer
   */
  Statements(
      DialectSpec dialect, TableName table, Duration queryTimeout, StatementTimeouts timeouts) {
    this.dialect = dialect;
    this.queryTimeoutMillis = Binder.millis(queryTimeout);
    this.timeouts = timeouts;
    this.words = Map.of("table", table.value(), "now", dialect.now());
    dialect.statements().forEach((verb, text) -> plain.put(verb, Sql.of(text, words)));
    DialectSpec.Savepoint savepoint = dialect.savepoint();
    if (savepoint != null) {
      plain.forEach(
          (verb, sql) -> guarded.put(verb, sql.between(savepoint.begin(), savepoint.end())));
    }
  }

  /** The database. */
  DialectSpec dialect() {
    return dialect;
  }

  /** What stands for text in the templates. */
  Map<String, String> words() {
    return words;
  }

  /** A statement; its text is empty where the database has none for this. */
  Sql sql(Verb verb) {
    Sql sql = plain.get(verb);
    if (sql == null) {
      throw new IllegalStateException("The dialect " + dialect.product() + " lacks " + verb);
    }
    return sql;
  }

  /** Whether the database has a statement for this. */
  boolean has(Verb verb) {
    return !sql(verb).text().isEmpty();
  }

  /** A statement of a claim, which can be undone by itself. */
  Sql claimSql(Session session, Verb verb) {
    Sql sql = isGuarded(session) ? guarded.get(verb) : null;
    return sql == null ? sql(verb) : sql;
  }

  /** Whether claims go between a savepoint and its end. */
  private boolean isGuarded(Session session) {
    return session.isUsed() && dialect.savepoint() != null;
  }

  /**
   * Executes a {@linkplain #claimSql claim's statement}, and skips the count of its savepoint. Null
   * if the dialect answers with a count.
   */
  @Nullable ResultSet firstResult(Session session, PreparedStatement statement)
      throws SQLException {
    boolean isResult = statement.execute();
    if (!isResult && isGuarded(session)) {
      isResult = statement.getMoreResults();
    }
    return isResult ? statement.getResultSet() : null;
  }

  /** Makes a change that is a step of its own; how many rows it changed. */
  int update(Session session, Verb verb, Binder values) throws SQLException {
    try (Prepared prepared = prepare(session, sql(verb), values, 0)) {
      PreparedStatement statement = prepared.statement();
      int count = statement.executeUpdate();
      session.settle();
      return count;
    }
  }

  /** A statement that takes no longer than it may beyond its wait for a lock. */
  Prepared prepare(Session session, Sql sql, Binder values, long waitMillis) throws SQLException {
    return bound(prepare(session, sql.text(), waitMillis), sql, values);
  }

  /** As {@link #prepare(Session, Sql, Binder, long)}, without its values. */
  Prepared prepare(Session session, String text, long waitMillis) throws SQLException {
    return prepare(session, text, waitMillis, !session.inTransaction());
  }

  /** A statement that ends its transaction, and waits for no lock. */
  Prepared prepareCommitting(Session session, Sql sql, Binder values) throws SQLException {
    return bound(prepare(session, sql.text(), 0, true), sql, values);
  }

  private Prepared prepare(Session session, String text, long waitMillis, boolean commits)
      throws SQLException {
    PreparedStatement statement = session.connection().prepareStatement(text);
    try {
      return new Prepared(statement, limit(statement, waitMillis), commits);
    } catch (SQLException | RuntimeException | Error e) {
      statement.close();
      throw e;
    }
  }

  /**
   * A statement of a claim that is cancelled once it has taken as long as it may wait for a lock.
   * Null if a cancellation cannot be had or trusted.
   */
  @Nullable Prepared prepareCancelled(Session session, Sql sql, Binder values, long waitMillis)
      throws SQLException {
    if (!timeouts.areHeeded()) {
      return null;
    }
    PreparedStatement statement = session.connection().prepareStatement(sql.text());
    StatementTimeouts.Timed timed = timeouts.begin(statement, waitMillis);
    if (timed == null) {
      statement.close();
      return null;
    }
    return bound(new Prepared(statement, timed, false), sql, values);
  }

  private static Prepared bound(Prepared prepared, Sql sql, Binder values) throws SQLException {
    try {
      values.bind(prepared.statement(), sql.params());
      return prepared;
    } catch (SQLException | RuntimeException | Error e) {
      prepared.close();
      throw e;
    }
  }

  private StatementTimeouts.@Nullable Timed limit(PreparedStatement statement, long waitMillis)
      throws SQLException {
    if (queryTimeoutMillis == 0 || dialect.queryTimeouts() == DialectSpec.QueryTimeouts.NONE) {
      return null;
    }
    // On top of the wait, so that the wait always ends first and as itself.
    if (dialect.queryTimeouts() == DialectSpec.QueryTimeouts.CANCEL) {
      StatementTimeouts.Timed timed = timeouts.begin(statement, queryTimeoutMillis + waitMillis);
      if (timed != null) {
        return timed;
      }
    }
    long seconds = Binder.ceilDiv(queryTimeoutMillis, 1000) + Binder.ceilDiv(waitMillis, 1000);
    statement.setQueryTimeout((int) Math.min(seconds, Integer.MAX_VALUE / 1000));
    return null;
  }
}
