package io.idem.jdbc.internal;

import io.idem.core.store.ClaimRequest;
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
import org.jspecify.annotations.Nullable;

/**
 * All keys in one statement that waits for nobody; if a rival is in the way it has claimed nothing
 * and holds nothing, and its halves are claimed, down to the very keys that are contended.
 */
final class HalvingRun extends BatchRun {

  /** How often keys are claimed together that others insert and delete all the time. */
  private static final int MAX_ROUNDS = 3;

  HalvingRun(
      RecordTable table,
      Session session,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      long start) {
    super(table, session, outcome, waitAtMost, start);
  }

  @Override
  void claim(List<ClaimRequest> requests) throws SQLException {
    if (requests.size() == 1) {
      claimOne(requests.get(0), waitLeft());
      return;
    }
    List<ClaimRequest> contended = claimTogether(requests);
    if (!contended.isEmpty()) {
      int half = Math.max(1, contended.size() / 2);
      claim(contended.subList(0, half));
      claim(contended.subList(half, contended.size()));
    }
  }

  /**
   * Returns what is not answered because a rival is in the way of some of it; then none of the keys
   * is held.
   */
  private List<ClaimRequest> claimTogether(List<ClaimRequest> requests) throws SQLException {
    int ownedBefore = owned();
    List<ClaimRequest> open = requests;
    for (int round = 1; round <= MAX_ROUNDS && !open.isEmpty(); round++) {
      List<ClaimRequest> left = open;
      try {
        open = waits().withLockWait(session(), NO_WAIT_MILLIS, () -> round(left));
      } catch (SQLException e) {
        if (!statements().dialect().errors().lockTimeout(e)) {
          throw e;
        }
        waits().undo(session(), e);
        break;
      }
    }
    if (owned() == ownedBefore) {
      return open;
    }
    // Some are held already, maybe higher ones: now nothing may be waited for.
    for (ClaimRequest request : open) {
      claimOne(request, Duration.ZERO);
    }
    return List.of();
  }

  /** Answers what it can and returns what went away or came after the statement began. */
  private List<ClaimRequest> round(List<ClaimRequest> requests) throws SQLException {
    Map<RecordId, Answer> met = insert(requests);
    List<ClaimRequest> absent = new ArrayList<>();
    for (ClaimRequest request : requests) {
      Answer answer = met.get(request.id());
      Row row = answer == null ? null : answer.row();
      if (answer != null && answer.taken()) {
        acquired(request);
      } else if (row == null) {
        absent.add(request);
      } else {
        answerRow(request, row);
      }
    }
    return absent;
  }

  private Map<RecordId, Answer> insert(List<ClaimRequest> requests) throws SQLException {
    Sql insert = statements().claimSql(session(), Verb.INSERT_ALL);
    List<Binder> batch = values(requests);
    Map<RecordId, Answer> answers = new HashMap<>();
    String text = insert.repeated(batch.size()).text();
    try (Prepared prepared = statements().prepare(session(), text, NO_WAIT_MILLIS)) {
      PreparedStatement statement = prepared.statement();
      everyRow(statement);
      bind(statement, insert, batch);
      ResultSet result = statements().firstResult(session(), statement);
      if (result != null) {
        read(result, answers);
      }
      session().settle();
      Answer taken = new Answer(true, null);
      requests.forEach(request -> answers.putIfAbsent(request.id(), taken));
      return answers;
    } catch (SQLException e) {
      if (!statements().dialect().errors().duplicate(e)) {
        throw e;
      }
    }
    Sql all = statements().sql(Verb.READ_ALL);
    String reading = all.repeated(batch.size()).text();
    try (Prepared prepared = statements().prepare(session(), reading, 0)) {
      PreparedStatement statement = prepared.statement();
      bind(statement, all, batch);
      try (ResultSet result = statement.executeQuery()) {
        read(result, answers);
      }
      session().settle();
      return answers;
    }
  }

  private static void bind(PreparedStatement statement, Sql sql, List<Binder> batch)
      throws SQLException {
    if (sql.repeats()) {
      Binder.bindRepeated(statement, sql.params(), batch);
    } else {
      Binder.bindArrays(statement, sql.params(), batch);
    }
  }

  private static void read(ResultSet result, Map<RecordId, Answer> answers) throws SQLException {
    rows(result).forEach((id, row) -> answers.put(id, new Answer(false, row)));
  }

  /** What a claim met: nothing and went in, a row, or a row that cannot be seen yet. */
  private record Answer(boolean taken, @Nullable Row row) {}
}
