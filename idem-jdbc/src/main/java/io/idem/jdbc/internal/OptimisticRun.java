package io.idem.jdbc.internal;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * All keys in one plain insert, in the order of their ids, as if every one of them were new.
 *
 * <p>If one is not, the insert has failed as a whole and keeps locks until the transaction ends.
 * Where there is nothing to lose, the transaction is rolled back, what is there is read, and the
 * rest is inserted. Otherwise, and if a rival is in the way, the keys are claimed one by one.
 */
final class OptimisticRun extends BatchRun {

  /** How often keys are claimed together that others insert and delete all the time. */
  private static final int MAX_ROUNDS = 3;

  private final JsonRows insert;
  private final JsonRows read;

  OptimisticRun(
      JsonRows insert,
      JsonRows read,
      RecordTable table,
      Session session,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      long start) {
    super(table, session, outcome, waitAtMost, start);
    this.insert = insert;
    this.read = read;
  }

  @Override
  void claim(List<ClaimRequest> requests) throws SQLException {
    List<ClaimRequest> open = requests;
    for (int round = 1; round <= MAX_ROUNDS && open.size() > 1; round++) {
      List<ClaimRequest> left = open;
      Optional<List<ClaimRequest>> next =
          waits().withLockWait(session(), NO_WAIT_MILLIS, () -> together(left));
      if (next.isEmpty()) {
        break;
      }
      open = next.get();
    }
    for (ClaimRequest request : open) {
      claimOne(request, waitLeft());
    }
  }

  /** Returns what is not answered; nothing if the keys must be claimed one by one. */
  private Optional<List<ClaimRequest>> together(List<ClaimRequest> requests) throws SQLException {
    JsonRows.Filled filled = insert.fill(values(requests));
    try (Prepared prepared =
        statements().prepare(session(), filled.sql(), filled.values(), NO_WAIT_MILLIS)) {
      PreparedStatement statement = prepared.statement();
      statement.executeUpdate();
      session().settle();
      requests.subList(0, filled.keys()).forEach(this::acquired);
      return Optional.of(requests.subList(filled.keys(), requests.size()));
    } catch (SQLException e) {
      if (statements().dialect().errors().lockTimeout(e)) {
        waits().undo(session(), e);
        return Optional.empty();
      }
      if (!statements().dialect().errors().duplicate(e)) {
        throw e;
      }
    }
    boolean mayForget = !session().isUsed();
    return mayForget ? Optional.of(absent(requests)) : Optional.empty();
  }

  /** Answers what is there, as the database shows it now and not as of an older snapshot. */
  private List<ClaimRequest> absent(List<ClaimRequest> requests) throws SQLException {
    List<ClaimRequest> absent = new ArrayList<>();
    List<ClaimRequest> open = requests;
    forget();
    while (!open.isEmpty()) {
      JsonRows.Filled filled = read.fill(values(open));
      Map<RecordId, @Nullable Row> met;
      try (Prepared prepared = statements().prepare(session(), filled.sql(), filled.values(), 0);
          ResultSet result = prepared.statement().executeQuery()) {
        met = rows(result);
      }
      for (ClaimRequest request : open.subList(0, filled.keys())) {
        Row row = met.get(request.id());
        if (row == null) {
          absent.add(request);
        } else {
          answerRow(request, row);
        }
      }
      open = open.subList(filled.keys(), open.size());
    }
    forget();
    return absent;
  }

  /** Lets go of locks and of the snapshot, in a transaction that has done nothing. */
  private void forget() throws SQLException {
    if (session().mode() != Session.Mode.AUTOCOMMIT) {
      session().connection().rollback();
    }
  }
}
