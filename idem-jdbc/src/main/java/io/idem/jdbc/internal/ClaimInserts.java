package io.idem.jdbc.internal;

import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.LockWait;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The insert of a claim, in the form that costs least, under whichever bound its wait for a lock
 * has: one that the statement sets, the connection's own, or a cancellation. Thread-safe; errors
 * are the driver's.
 */
final class ClaimInserts {

  /**
   * The shortest wait that is bounded by a cancellation, which comes up to a twentieth of a second
   * late.
   */
  private static final long LEAST_CANCELLED_MILLIS = 200;

  private static final String CANCELLED = "57014";

  private final Statements statements;
  private final SessionWaits waits;
  private final boolean boundByClient;
  private final @Nullable SessionBound sessionBound;

  /**
   * Decides who bounds the wait.
   *
   * @param statements the table's
   * @param waits how a session goes on after an insert that was cancelled
   * @param lockWait who bounds the wait, as far as the database lets it
   */
  ClaimInserts(Statements statements, SessionWaits waits, LockWait lockWait) {
    this.statements = statements;
    this.waits = waits;
    this.boundByClient =
        lockWait == LockWait.BY_CLIENT
            && statements.dialect().queryTimeouts() == DialectSpec.QueryTimeouts.CANCEL;
    this.sessionBound = lockWait == LockWait.OF_SESSION ? new SessionBound() : null;
  }

  /** What an insert came to. */
  enum Met {
    TAKEN,
    /** It went in, and was cancelled while its transaction may have been committing. */
    TAKEN_AND_CANCELLED,
    MET
  }

  /**
   * The answer of an insert.
   *
   * @param row what it met; null also if that cannot be seen yet, or if the insert was cancelled
   */
  record Answer(Met what, @Nullable Row row) {}

  /**
   * Inserts a record.
   *
   * @param session where
   * @param outcome what it is completed with; null if it is not
   * @param values those of the claim
   * @param waitMillis how long to wait for a rival that has not committed
   * @param probablyThere whether it is likely to meet one
   * @return what that came to
   * @throws SQLException if the database fails, or the wait was in vain
   * @throws IllegalStateException if the connection is to bound the wait and does not
   */
  Answer insert(
      Session session,
      @Nullable StoredOutcome outcome,
      Binder values,
      long waitMillis,
      boolean probablyThere)
      throws SQLException {
    return probablyThere && statements.has(Verb.INSERT_MEETING)
        ? meeting(session, values, waitMillis)
        : plain(session, outcome, values, waitMillis);
  }

  private Answer plain(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitMillis)
      throws SQLException {
    Prepared cancelled = cancelledInTime(session, outcome, values, waitMillis);
    Answer answer;
    try (Prepared prepared =
        cancelled != null ? cancelled : bounded(session, outcome, values, waitMillis)) {
      answer = inserted(session, prepared.statement());
    } catch (SQLException e) {
      if (cancelled != null && cancelled.isCancelled() && CANCELLED.equals(e.getSQLState())) {
        if (session.mode() == Session.Mode.BEGUN) {
          throw new SQLException(
              "The claim was cancelled, and its transaction has to be begun again", "40001", e);
        }
        // For a rival, or for a slow server? The next round has no wait left, and the server tells.
        waits.undo(session, e);
        return new Answer(Met.MET, null);
      }
      if (!statements.dialect().errors().duplicate(e)) {
        throw e;
      }
      answer = null;
    }
    if (answer == null) {
      return new Answer(Met.MET, met(session, values));
    }
    boolean late = cancelled != null && cancelled.isCancelled() && !session.inTransaction();
    return late && answer.what() == Met.TAKEN ? new Answer(Met.TAKEN_AND_CANCELLED, null) : answer;
  }

  /** What an insert came to; null if what it met has to be read. */
  private @Nullable Answer inserted(Session session, PreparedStatement statement)
      throws SQLException {
    ResultSet result = statements.firstResult(session, statement);
    boolean taken;
    if (result == null) {
      taken = statement.getUpdateCount() == 1;
    } else {
      // No row if nothing went in.
      taken = result.next() && result.getInt(1) == 1;
    }
    session.settle();
    return taken ? new Answer(Met.TAKEN, null) : null;
  }

  /** Reads what an insert met. */
  private @Nullable Row met(Session session, Binder values) throws SQLException {
    Sql sql = statements.sql(session.inTransaction() ? Verb.READ : Verb.READ_ALONE);
    try (Prepared prepared = statements.prepare(session, sql, values, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Row row = result.next() ? Row.of(result) : null;
      session.settle();
      return row;
    }
  }

  /** An insert that reads what it meets by itself. */
  private Answer meeting(Session session, Binder values, long waitMillis) throws SQLException {
    Sql sql = statements.claimSql(session, Verb.INSERT_MEETING);
    try (Prepared prepared = statements.prepare(session, sql, values, waitMillis)) {
      ResultSet result = statements.firstResult(session, prepared.statement());
      Answer answer = new Answer(Met.MET, null); // if what was in the way is gone where it is read
      if (result != null && result.next()) {
        boolean taken = result.getInt(1) == 1;
        answer = taken ? new Answer(Met.TAKEN, null) : new Answer(Met.MET, Row.of(result));
      }
      session.settle();
      return answer;
    }
  }

  /** The insert of a claim whose wait the server bounds. */
  private Prepared bounded(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitMillis)
      throws SQLException {
    boolean unbounded = sessionBound != null && sessionBound.isEnough(session, waitMillis);
    return statements.prepare(session, form(session, outcome, unbounded), values, waitMillis);
  }

  /**
   * The insert of a claim that is cancelled when it has waited long enough. Null if a cancellation
   * cannot be had or trusted, or would come too late.
   */
  private @Nullable Prepared cancelledInTime(
      Session session, @Nullable StoredOutcome outcome, Binder values, long waitMillis)
      throws SQLException {
    return boundByClient && waitMillis >= LEAST_CANCELLED_MILLIS
        ? statements.prepareCancelled(session, form(session, outcome, true), values, waitMillis)
        : null;
  }

  private Sql form(Session session, @Nullable StoredOutcome outcome, boolean unbounded) {
    Verb bounded = Verb.INSERT;
    Verb unboundedForm = Verb.INSERT_UNBOUNDED;
    if (!session.inTransaction()) {
      bounded = Verb.INSERT_ALONE;
      unboundedForm = Verb.INSERT_ALONE_UNBOUNDED;
    } else if (RecordValues.isDone(outcome)) {
      bounded = Verb.INSERT_DONE;
      unboundedForm = Verb.INSERT_DONE_UNBOUNDED;
    }
    // Another form may leave out columns that this one needs.
    Verb verb = unbounded && statements.has(unboundedForm) ? unboundedForm : bounded;
    return statements.claimSql(session, statements.has(verb) ? verb : Verb.INSERT);
  }
}
