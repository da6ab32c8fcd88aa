package io.idem.jdbc.internal;

import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import org.jspecify.annotations.Nullable;

/**
 * How long the statements of a session wait for locks, where it is the session that decides that,
 * and how it goes on after one that did not get them. Thread-safe; errors are the driver's.
 */
final class SessionWaits {

  private final DialectSpec dialect;

  SessionWaits(DialectSpec dialect) {
    this.dialect = dialect;
  }

  /** What is done under a bound for locks. */
  @FunctionalInterface
  interface Bounded<R> {
    R make() throws SQLException;
  }

  /** Makes a call whose statements wait for locks at most so long, where a session decides that. */
  <R> R withLockWait(Session session, long waitMillis, Bounded<R> call) throws SQLException {
    DialectSpec.SessionLockWait setting = dialect.lockWait();
    if (setting == null) {
      return call.make();
    }
    Long before = setting.get() == null ? null : number(session, setting.get());
    Long wanted = Binder.ceilDiv(waitMillis, setting.millisPerUnit());
    if (wanted.equals(before)) {
      return call.make();
    }
    set(session, setting.set(), wanted);
    R answer;
    try {
      answer = call.make();
    } catch (SQLException | RuntimeException | Error e) {
      try {
        restore(session, setting, before);
      } catch (SQLException restoring) {
        e.addSuppressed(restoring);
      }
      throw e;
    }
    restore(session, setting, before);
    return answer;
  }

  /** A session that keeps our bound would cut others' statements short: it is used no more. */
  private static void restore(
      Session session, DialectSpec.SessionLockWait setting, @Nullable Long before)
      throws SQLException {
    try {
      set(session, setting.restore(), before);
    } catch (SQLException e) {
      try {
        session.connection().abort(Runnable::run);
      } catch (SQLException aborting) {
        e.addSuppressed(aborting);
      }
      throw e;
    }
  }

  /** Undoes a claim's statement that waited in vain, and nothing that was done before it. */
  void undo(Session session, SQLException cause) throws SQLException {
    try {
      switch (session.mode()) {
        case AUTOCOMMIT -> {}
        case COMMIT_EACH -> session.connection().rollback();
        // Nothing more is done in one that somebody else has begun: Busy, or it begins again.
        case OWNED, BEGUN -> {
          if (dialect.savepoint() != null) {
            session.connection().rollback();
          }
        }
        case BATCH, JOINED -> {
          if (dialect.savepoint() != null) {
            try (Statement statement = session.connection().createStatement()) {
              statement.execute(dialect.savepoint().undo());
            }
          }
          String rolledBack = dialect.errors().timeoutRollsBack();
          if (rolledBack != null && number(session, rolledBack) == 1) {
            throw new SQLException(
                "The lock timeout rolled the whole transaction back"
                    + " (innodb_rollback_on_timeout is on)",
                "40001");
          }
        }
      }
    } catch (SQLException e) {
      e.addSuppressed(cause);
      throw e;
    }
  }

  /** Begins a transaction anew that has nothing to lose. */
  static void restart(Session session, SQLException cause) throws SQLException {
    try {
      session.connection().rollback();
    } catch (SQLException e) {
      cause.addSuppressed(e);
      throw cause;
    }
  }

  private static long number(Session session, String query) throws SQLException {
    try (Statement statement = session.connection().createStatement();
        ResultSet result = statement.executeQuery(query)) {
      result.next();
      return result.getLong(1);
    }
  }

  private static void set(Session session, String sql, @Nullable Long value) throws SQLException {
    try (PreparedStatement statement = session.connection().prepareStatement(sql)) {
      if (value != null) {
        statement.setLong(1, value);
      }
      statement.execute();
    }
  }
}
