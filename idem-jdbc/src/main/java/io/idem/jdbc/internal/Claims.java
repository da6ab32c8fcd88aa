package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.MetRecords;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a key becomes somebody's, the one algorithm of all databases, leased and transactional.
 *
 * <p>A claim goes in rounds:
 *
 * <ol>
 *   <li>A record that this node has met with an outcome is looked at first, once. If the outcome is
 *       still there, that is the answer.
 *   <li>Insert the record. If it went in, the key is the caller's.
 *   <li>Look at the record that was in the way. If there is none any more, or it came after the
 *       statement began, go round again.
 *   <li>If it is completed and past its retention, or abandoned and may be taken over, take it with
 *       a conditional update that decides both again. If it changed meanwhile, go round again.
 *   <li>Otherwise say what it is.
 * </ol>
 *
 * <p>A wait for a lock that was in vain means that a rival has not committed: Running. An insert
 * that was cancelled goes round again with the server's bound for locks, and no wait left: a server
 * that is slow is no rival. A conflict, such as a deadlock, goes round again in a transaction that
 * has done nothing yet, and is an error in every other. Thread-safe; errors are the driver's.
 */
final class Claims {

  /** More rounds than any honest race takes; a stricter isolation level would go on for ever. */
  private static final int MAX_ROUNDS = 16;

  private final Statements statements;
  private final RecordValues values;
  private final SessionWaits waits;
  private final ClaimInserts inserts;
  private final OwnedRecords owned;
  private final MetRecords met;

  /**
   * Puts the steps together.
   *
   * @param statements the table's
   * @param values in which form records are kept
   * @param waits how sessions wait
   * @param inserts the second step
   * @param owned renews what a claim finds to be the caller's own
   * @param met the records that this node has met with an outcome
   */
  Claims(
      Statements statements,
      RecordValues values,
      SessionWaits waits,
      ClaimInserts inserts,
      OwnedRecords owned,
      MetRecords met) {
    this.statements = statements;
    this.values = values;
    this.waits = waits;
    this.inserts = inserts;
    this.owned = owned;
    this.met = met;
  }

  /** As {@link RecordTable#claim}. */
  Claim claim(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    boolean known = met.mayContain(request.id());
    if (known) {
      Claim completed = look(session, request.id());
      if (completed != null) {
        return completed;
      }
    }
    // What was looked at in vain is not there; in a transaction it may not have been looked at.
    return claim(session, request, outcome, waitAtMost, known && session.inTransaction());
  }

  /** As {@link #claim} for a record that was just met, or that a rival is about to commit. */
  Claim claimMet(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    return claim(session, request, outcome, waitAtMost, true);
  }

  private Claim claim(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      boolean probablyThere)
      throws SQLException {
    // What databases take for a lock timeout is an int of milliseconds.
    long waitMillis = Math.min(Binder.millis(waitAtMost), Integer.MAX_VALUE);
    return waits.withLockWait(
        session, waitMillis, () -> rounds(session, request, outcome, waitMillis, probablyThere));
  }

  private Claim rounds(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      long waitMillis,
      boolean probablyThere)
      throws SQLException {
    long start = System.nanoTime();
    Binder claiming = values.ofClaim(session, request, outcome, waitMillis);
    for (int round = 1; round <= MAX_ROUNDS; round++) {
      long waited = (System.nanoTime() - start) / 1_000_000;
      long waitLeft = Math.max(1, waitMillis - waited);
      claiming.put(Param.WAIT, waitLeft);
      Claim claim;
      try {
        claim = round(session, request, outcome, claiming, waitLeft, probablyThere);
      } catch (SQLException e) {
        if (statements.dialect().errors().lockTimeout(e)) {
          waits.undo(session, e);
          return new Claim.Running(Fingerprint.NONE, Duration.ZERO);
        }
        if (session.mode() != Session.Mode.OWNED
            || !statements.dialect().errors().conflict(e)
            || round == MAX_ROUNDS) {
          throw e;
        }
        // A victim that has nothing to lose: its transaction begins anew.
        SessionWaits.restart(session, e);
        continue;
      }
      if (claim != null) {
        if (claim instanceof Claim.Completed
            || (outcome != null && claim instanceof Claim.Acquired)) {
          met.add(request.id());
        }
        return claim;
      }
    }
    throw new SQLException(
        "The record is there but cannot be seen after "
            + MAX_ROUNDS
            + " rounds: the isolation level is stricter than READ COMMITTED, or it changes all the"
            + " time",
        "40001");
  }

  /** The outcome of a record that is there; null if there is none, or if it must not be read so. */
  private @Nullable Claim look(Session session, RecordId id) throws SQLException {
    Verb verb = session.inTransaction() ? Verb.LOOK : Verb.LOOK_ALONE;
    if (!statements.has(verb)) {
      return null;
    }
    Sql sql = statements.sql(verb);
    try (Prepared prepared = statements.prepare(session, sql, values.ofRecord(id), 0);
        ResultSet result = prepared.statement().executeQuery()) {
      Claim known =
          result.next()
              ? new Claim.Completed(Row.fingerprint(result, 1), Row.outcome(result, 2))
              : null;
      session.settle();
      return known;
    }
  }

  /** One round; null to go round again. */
  private @Nullable Claim round(
      Session session,
      ClaimRequest request,
      @Nullable StoredOutcome outcome,
      Binder claiming,
      long waitLeft,
      boolean probablyThere)
      throws SQLException {
    Lease first = new Lease(request.id(), request.token(), 1);
    ClaimInserts.Answer answer =
        inserts.insert(session, outcome, claiming, waitLeft, probablyThere);
    switch (answer.what()) {
      case TAKEN -> {
        return new Claim.Acquired(first);
      }
      case TAKEN_AND_CANCELLED -> {
        // A commit that waits for standbys stops waiting when it is cancelled. This one waits.
        return owned.renew(session, first, request.leaseFor()) == LeaseCheck.HELD
            ? new Claim.Acquired(first)
            : null;
      }
      case MET -> {}
    }
    Row row = answer.row();
    if (row == null) {
      return null;
    }
    if (row.expired()) {
      claiming.put(Param.ATTEMPT, 1);
      return taken(session, Verb.TAKE_EXPIRED, claiming, waitLeft)
          ? new Claim.Acquired(first)
          : null;
    }
    if (row.completed()) {
      return new Claim.Completed(row.fingerprint(), row.outcome());
    }
    return running(session, request, row, claiming, waitLeft);
  }

  private @Nullable Claim running(
      Session session, ClaimRequest request, Row row, Binder claiming, long waitLeft)
      throws SQLException {
    Long leaseLeft = row.leaseLeft();
    long left = leaseLeft == null ? 0 : leaseLeft;
    boolean held = left > 0;
    if (request.token().equals(row.token())) {
      // The caller's own claim, whose answer was lost. Its lease may have run out meanwhile.
      Lease lease = new Lease(request.id(), request.token(), row.attempt());
      boolean ours =
          held
              || session.inTransaction()
              || owned.renew(session, lease, request.leaseFor()) == LeaseCheck.HELD;
      return ours ? new Claim.Acquired(lease) : null;
    }
    if (held) {
      return new Claim.Running(row.fingerprint(), Duration.ofMillis(left));
    }
    if (leaseLeft == null && session.mode() == Session.Mode.JOINED) {
      // Claimed earlier in this very transaction, which is its lease. A transaction that has done
      // nothing yet has met what another committed without an outcome.
      return new Claim.Running(row.fingerprint(), Duration.ZERO);
    }
    if (row.token() == null
        || !request.takeOver()
        || !request.fingerprint().matches(row.fingerprint())) {
      return new Claim.Abandoned(row.fingerprint(), row.attempt());
    }
    int attempt = row.attempt() + 1;
    Binder taking =
        claiming.copy().put(Param.ATTEMPT, attempt).put(Param.SEEN_TOKEN, row.token().toBytes());
    if (request.fingerprint().equals(Fingerprint.NONE)) {
      // Who has nothing to compare takes over for the record's own request.
      taking.put(Param.FINGERPRINT, RecordValues.bytes(row.fingerprint()));
    }
    return taken(session, Verb.TAKE_ABANDONED, taking, waitLeft)
        ? new Claim.Acquired(new Lease(request.id(), request.token(), attempt))
        : null;
  }

  private boolean taken(Session session, Verb verb, Binder taking, long waitLeft)
      throws SQLException {
    Sql sql = statements.claimSql(session, verb);
    try (Prepared prepared = statements.prepare(session, sql, taking, waitLeft)) {
      PreparedStatement statement = prepared.statement();
      ResultSet result = statements.firstResult(session, statement);
      boolean taken;
      if (result == null) {
        taken = statement.getUpdateCount() == 1;
      } else {
        result.next();
        taken = result.getInt(1) == 1;
      }
      session.settle();
      return taken;
    }
  }
}
