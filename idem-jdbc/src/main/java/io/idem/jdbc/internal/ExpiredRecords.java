package io.idem.jdbc.internal;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Completed records past their retention. To everybody else they are absent already; here their
 * space is freed, and records without an outcome are kept from standing in front of them.
 * Thread-safe; errors are the driver's.
 */
final class ExpiredRecords {

  private final Statements statements;

  ExpiredRecords(Statements statements) {
    this.statements = statements;
  }

  /** As {@link RecordTable#purge}. */
  int purge(Session session, int limit) throws SQLException {
    Binder values = none().put(Param.LIMIT, limit);
    int deleted = statements.update(session, Verb.PURGE, values);
    if (deleted < limit) {
      statements.update(session, Verb.DEFER, values);
    }
    return deleted;
  }

  /** As {@link RecordTable#purgeLag}. */
  Duration lag(Session session) throws SQLException {
    Sql sql = statements.sql(Verb.LAG);
    try (Prepared prepared = statements.prepare(session, sql, none(), 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Duration lag = result.next() ? Duration.ofMillis(result.getLong(1)) : Duration.ZERO;
      session.settle();
      return lag;
    }
  }

  private Binder none() {
    return new Binder(statements.dialect().uuidIds());
  }
}
