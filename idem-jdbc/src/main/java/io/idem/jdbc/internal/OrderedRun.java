package io.idem.jdbc.internal;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One statement in which the server goes from key to key, in the order of their ids, and waits for
 * nobody.
 *
 * <p>It keeps what it has claimed and stops at the first key that a rival is in the way of. For
 * that key alone is waited; then it goes on. Once the batch's bound has passed it no longer stops,
 * and passes such keys over.
 */
final class OrderedRun extends BatchRun {

  private static final int NOT_HERE = -1;

  private final JsonRows insert;

  OrderedRun(
      JsonRows insert,
      RecordTable table,
      Session session,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost,
      long start) {
    super(table, session, outcome, waitAtMost, start);
    this.insert = insert;
  }

  @Override
  void claim(List<ClaimRequest> requests) throws SQLException {
    List<ClaimRequest> open = requests;
    while (!open.isEmpty()) {
      int answered = open.size() == 1 ? one(open.get(0)) : several(open);
      open = open.subList(answered, open.size());
    }
  }

  private int one(ClaimRequest request) throws SQLException {
    claimOne(request, waitLeft());
    return 1;
  }

  /** Answers the first of them, and says how many. */
  private int several(List<ClaimRequest> requests) throws SQLException {
    boolean stop = !waitLeft().isZero();
    List<Binder> batch = values(requests);
    batch
        .get(0)
        .put(Param.STOP, stop ? 1 : 0)
        .put(Param.OWN, session().mode() == Session.Mode.AUTOCOMMIT ? 1 : 0);
    JsonRows.Filled filled = insert.fill(batch);
    if (filled.keys() == 1) {
      return one(requests.get(0));
    }
    Map<RecordId, @Nullable Row> met = insert(filled);
    if (met == null) {
      for (ClaimRequest request : requests) {
        one(request);
      }
      return requests.size();
    }
    for (int i = 0; i < filled.keys(); i++) {
      ClaimRequest request = requests.get(i);
      Row row = met.get(request.id());
      if (row != null) {
        answerRow(request, row);
      } else if (!met.containsKey(request.id())) {
        acquired(request);
      } else if (stop) {
        claimMet(request, waitLeft());
        return i + 1;
      } else {
        busy(request);
      }
    }
    return filled.keys();
  }

  /** What was in the way, without a row where it is not committed; null if it must not be asked. */
  private @Nullable Map<RecordId, @Nullable Row> insert(JsonRows.Filled filled)
      throws SQLException {
    try (Prepared prepared =
        statements().prepare(session(), filled.sql(), filled.values(), NO_WAIT_MILLIS)) {
      PreparedStatement statement = prepared.statement();
      everyRow(statement);
      statement.execute();
      Map<RecordId, @Nullable Row> met = met(statement.getResultSet());
      // To its very end: what comes after the answer is the commit.
      while (statement.getMoreResults() || statement.getUpdateCount() != -1) {
        // nothing is expected
      }
      session().settle();
      return met;
    } catch (SQLException | RuntimeException | Error e) {
      if (session().mode() == Session.Mode.AUTOCOMMIT) {
        end(e);
      }
      throw e;
    }
  }

  private static @Nullable Map<RecordId, @Nullable Row> met(ResultSet result) throws SQLException {
    Map<RecordId, @Nullable Row> met = new HashMap<>();
    while (result.next()) {
      if (result.getInt(1) == NOT_HERE) {
        return null;
      }
      RecordId id = Binder.id(result, 9);
      if (id != null) {
        met.put(id, Row.of(result));
      }
    }
    return met;
  }

  /** The statement began a transaction that it may not have ended. */
  private void end(Throwable cause) throws SQLException {
    try (Statement statement = session().connection().createStatement()) {
      statement.execute("ROLLBACK");
    } catch (SQLException e) {
      cause.addSuppressed(e);
      // Nobody may find himself in the middle of it.
      session().connection().abort(Runnable::run);
    }
  }
}
