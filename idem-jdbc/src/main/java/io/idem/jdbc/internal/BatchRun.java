package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One batch of claims: what is answered so far, and the steps that all databases share. How the
 * keys are claimed together is the subclass's. For one thread.
 */
abstract class BatchRun {

  /** As good as not waiting; zero would be no bound at all. */
  static final long NO_WAIT_MILLIS = 1;

  private final RecordTable table;
  private final @Nullable StoredOutcome outcome;
  private final Duration waitAtMost;
  private final long start;
  private final Map<RecordId, Claim> answers = new HashMap<>();
  private final List<ClaimRequest> special = new ArrayList<>();
  private Session session;
  private int owned;

  /**
   * Begins.
   *
   * @param table where the keys are
   * @param session where
   * @param outcome their outcome, to be written in the same step; null to leave the keys running
   * @param waitAtMost how long all of them may wait for rivals that have not committed
   * @param start when that began, as {@link System#nanoTime} tells
   */
  BatchRun(
      RecordTable table,
      Session session,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      long start) {
    this.table = table;
    this.session = session;
    this.outcome = outcome;
    this.waitAtMost = waitAtMost;
    this.start = start;
  }

  /**
   * Answers every request, or keeps it as {@linkplain #answerRow special}.
   *
   * @param requests distinct and sorted by id
   * @throws SQLException if the database fails
   */
  abstract void claim(List<ClaimRequest> requests) throws SQLException;

  /** Claims them all; an answer for each, in their order. */
  final List<Claim> run(List<ClaimRequest> requests) throws SQLException {
    claim(requests);
    // Last, and without waiting, because it is not in the order of the ids.
    for (ClaimRequest request : special) {
      claimMet(request, Duration.ZERO);
    }
    List<Claim> inOrder = new ArrayList<>(requests.size());
    for (ClaimRequest request : requests) {
      inOrder.add(Objects.requireNonNull(answers.get(request.id())));
    }
    return inOrder;
  }

  final Statements statements() {
    return table.statements();
  }

  final SessionWaits waits() {
    return table.waits();
  }

  final Session session() {
    return session;
  }

  /** How many keys are the caller's so far. */
  final int owned() {
    return owned;
  }

  /** What is left of the batch's bound. */
  final Duration waitLeft() {
    Duration waited = Duration.ofNanos(System.nanoTime() - start);
    return waited.compareTo(waitAtMost) < 0 ? waitAtMost.minus(waited) : Duration.ZERO;
  }

  final void claimOne(ClaimRequest request, Duration wait) throws SQLException {
    answer(request, table.claim(session, request, outcome, wait));
  }

  /** Claims one that is there, or that a rival is in the way of. */
  final void claimMet(ClaimRequest request, Duration wait) throws SQLException {
    answer(request, table.claimMet(session, request, outcome, wait));
  }

  final void acquired(ClaimRequest request) {
    answer(request, new Claim.Acquired(new Lease(request.id(), request.token(), 1)));
  }

  /** A rival has not committed. */
  final void busy(ClaimRequest request) {
    answer(request, new Claim.Running(Fingerprint.NONE, Duration.ZERO));
  }

  private void answer(ClaimRequest request, Claim claim) {
    answers.put(request.id(), claim);
    if (claim instanceof Claim.Acquired) {
      owned++;
      if (session.inTransaction()) {
        // There is something to lose now: a later vain wait must not undo it.
        session = session.used();
      }
    }
  }

  /** Answers with what was met. What may have to be taken over is special and comes last. */
  final void answerRow(ClaimRequest request, Row row) {
    if (row.completed() && !row.expired()) {
      answer(request, new Claim.Completed(row.fingerprint(), row.outcome()));
    } else if (row.isHeld() && !request.token().equals(row.token())) {
      Duration left = Duration.ofMillis(Objects.requireNonNull(row.leaseLeft()));
      answer(request, new Claim.Running(row.fingerprint(), left));
    } else {
      special.add(request);
    }
  }

  /** The values of each request, in their order. */
  final List<Binder> values(List<ClaimRequest> requests) {
    return requests.stream()
        .map(
            request ->
                table
                    .values()
                    .ofClaim(session, request, outcome, NO_WAIT_MILLIS)
                    .put(Param.WAIT, NO_WAIT_MILLIS))
        .toList();
  }

  /**
   * A key without a row is the caller's: no limit that a driver or a pool gives all statements may
   * keep one back.
   */
  static void everyRow(PreparedStatement statement) throws SQLException {
    statement.setMaxRows(0);
  }

  /** Reads rows of {@link Row} with their ids; null for one that cannot be seen. */
  static Map<RecordId, @Nullable Row> rows(ResultSet result) throws SQLException {
    Map<RecordId, @Nullable Row> rows = new HashMap<>();
    while (result.next()) {
      RecordId id = Binder.id(result, 9);
      if (id != null) {
        rows.put(id, Row.of(result));
      }
    }
    return rows;
  }
}
