package io.idem.jdbc.internal;

import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.MetRecords;
import io.idem.core.store.StoredOutcome;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an owner does with its record: completes it, frees it, goes on to hold it. Each is one
 * statement on the condition that the record is still the owner's. Thread-safe; errors are the
 * driver's.
 */
final class OwnedRecords {

  /** As often as a record moves in a row: when its partition is made, and when it is dropped. */
  private static final int MOVES = 2;

  private final Statements statements;
  private final RecordValues values;
  private final MetRecords met;
  private final boolean partitioned;

  /** Whether the database is new enough for MERGE; null until somebody asks. */
  private volatile @Nullable Boolean merges;

  /**
   * Names the records.
   *
   * @param statements the table's
   * @param values in which form they are kept
   * @param met where those go that are completed
   * @param partitioned whether rows may move between partitions
   */
  OwnedRecords(Statements statements, RecordValues values, MetRecords met, boolean partitioned) {
    this.statements = statements;
    this.values = values;
    this.met = met;
    this.partitioned = partitioned;
  }

  /** As {@link RecordTable#complete}. */
  LeaseCheck complete(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    Verb verb = inTime ? Verb.COMPLETE_IN_TIME : Verb.COMPLETE;
    Binder completion = values.ofCompletion(lease, outcome, retention);
    boolean held =
        holds(
            session,
            // The second is rare: lost, or a completion repeated because its answer was lost.
            () ->
                statements.update(session, verb, completion) == 1
                    || isCompleted(session, completion));
    if (held) {
      met.add(lease.id());
    }
    return check(held);
  }

  private boolean isCompleted(Session session, Binder completion) throws SQLException {
    Sql sql = statements.sql(Verb.COMPLETED);
    try (Prepared prepared = statements.prepare(session, sql, completion, 0);
        ResultSet result = prepared.statement().executeQuery()) {
      boolean completed = result.next();
      session.settle();
      return completed;
    }
  }

  /** As {@link RecordTable#commitsWithCompletion}. */
  boolean commitsWithCompletion() {
    return statements.has(Verb.COMPLETE_AND_COMMIT);
  }

  /** As {@link RecordTable#completeAndCommit}. */
  LeaseCheck completeAndCommit(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    Binder completion = values.ofCompletion(lease, outcome, retention);
    Verb merge = inTime ? Verb.MERGE_IN_TIME_AND_COMMIT : Verb.MERGE_AND_COMMIT;
    Sql sql = statements.sql(merges(session) ? merge : Verb.COMPLETE_AND_COMMIT);
    try (Prepared prepared = statements.prepareCommitting(session, sql, completion)) {
      prepared.statement().execute();
    } catch (SQLException e) {
      if (DialectSpec.LOST_BEFORE_COMMIT.equals(e.getSQLState())) {
        return LeaseCheck.LOST;
      }
      throw e;
    }
    met.add(lease.id());
    return LeaseCheck.HELD;
  }

  private boolean merges(Session session) throws SQLException {
    Boolean known = merges;
    if (known == null) {
      known =
          statements.has(Verb.MERGE_AND_COMMIT)
              && session.connection().getMetaData().getDatabaseMajorVersion()
                  >= DialectSpec.MERGES_FROM;
      merges = known;
    }
    return known;
  }

  /** As {@link RecordTable#release}. */
  LeaseCheck release(Session session, Lease lease) throws SQLException {
    Binder owned = values.ofOwner(lease);
    return check(holds(session, () -> statements.update(session, Verb.RELEASE, owned) == 1));
  }

  /** As {@link RecordTable#renew}. */
  LeaseCheck renew(Session session, Lease lease, Duration leaseFor) throws SQLException {
    Binder owned = values.ofOwner(lease).put(Param.LEASE, Binder.millis(leaseFor));
    return check(holds(session, () -> statements.update(session, Verb.RENEW, owned) == 1));
  }

  /** Asks, or does by the way, whether a record is the owner's. */
  @FunctionalInterface
  private interface Question {
    boolean ask() throws SQLException;
  }

  /**
   * Asks whether a record is the owner's, until the answer cannot be no because it moved: a
   * statement that waits for one partition does not find what has moved to another meanwhile. A
   * transaction's own record cannot move, because its lock on the partition lasts.
   */
  private boolean holds(Session session, Question question) throws SQLException {
    boolean held = question.ask();
    int again = partitioned && !session.inTransaction() ? MOVES : 0;
    while (!held && again-- > 0) {
      held = question.ask();
    }
    return held;
  }

  private static LeaseCheck check(boolean held) {
    return held ? LeaseCheck.HELD : LeaseCheck.LOST;
  }
}
