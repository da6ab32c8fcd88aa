package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Many keys of a {@link RecordTable} at once, the one algorithm of all databases.
 *
 * <ol>
 *   <li>Claim all keys, sorted by id, with a statement that waits for no rival. As long as nobody
 *       else is in the middle of one of them, that is all.
 *   <li>What was in the way is said by the same statement, or by a second one where the database
 *       answers a duplicate with an error.
 *   <li>If a rival is in the way the statement fails as a whole and holds nothing. Its two halves
 *       are then claimed one after the other, and so on down to the very keys that are contended.
 *       Only there is waited, for what is left of the batch's bound. A database may also answer a
 *       duplicate that nobody can see yet, which is the same.
 *   <li>The rare rest, expired or abandoned, is taken key by key in the end, without waiting.
 * </ol>
 *
 * <p>So keys are locked in the order of their ids, and nobody waits for a key while holding a
 * higher one: overlapping batches queue up and never deadlock. A batch is told exactly which of its
 * keys are busy. Thread-safe; errors are the driver's.
 */
public final class BatchTable {

  private static final long NO_WAIT_MILLIS = 1;

  /** How often keys are claimed together that others insert and delete all the time. */
  private static final int MAX_ROUNDS = 3;

  private final RecordTable table;
  private final DialectSpec dialect;

  /**
   * Adds batches to a table.
   *
   * @param table the table
   */
  public BatchTable(RecordTable table) {
    this.table = table;
    this.dialect = table.dialect();
  }

  /**
   * Claims many keys.
   *
   * @param session where
   * @param requests what; distinct and sorted by id
   * @param outcome their outcome, to be written in the same step; null to leave the keys running
   * @param waitAtMost how long all of them may wait for rivals that have not committed
   * @return an answer for each request, in their order
   * @throws SQLException as {@link RecordTable#claim} does
   */
  public List<Claim> claimAll(
      Session session,
      List<ClaimRequest> requests,
      @Nullable StoredOutcome outcome,
      Duration waitAtMost)
      throws SQLException {
    Run run = new Run(session, outcome, waitAtMost);
    run.claim(requests);
    run.claimSpecial();
    List<Claim> answers = new ArrayList<>(requests.size());
    for (ClaimRequest request : requests) {
      answers.add(Objects.requireNonNull(run.answers.get(request.id())));
    }
    return answers;
  }

  /**
   * Completes many owned records.
   *
   * @param session where
   * @param completions the outcomes, at most one for a key
   * @return whether each record was still owned, in their order
   * @throws SQLException if the database fails
   */
  public List<LeaseCheck> completeAll(Session session, List<Completion> completions)
      throws SQLException {
    if (completions.isEmpty()) {
      return List.of();
    }
    List<Binder> batch =
        completions.stream()
            .map(
                each ->
                    table
                        .owned(each.lease())
                        .put(Param.OUTCOME, RecordTable.bytes(each.outcome()))
                        .put(Param.KEEP, Binder.millis(each.retention())))
            .toList();
    boolean[] held = completed(session, batch);
    session.settle();
    List<LeaseCheck> checks = new ArrayList<>(held.length);
    for (int i = 0; i < held.length; i++) {
      Completion each = completions.get(i);
      // Rare: lost, or repeated because an answer was lost, which only the record itself can tell.
      checks.add(
          held[i]
              ? LeaseCheck.HELD
              : table.complete(session, each.lease(), each.outcome(), each.retention()));
    }
    return checks;
  }

  /** Which of them were completed for sure. */
  private boolean[] completed(Session session, List<Binder> batch) throws SQLException {
    boolean[] held = new boolean[batch.size()];
    Sql all = table.sql(Verb.COMPLETE_ALL);
    if (!all.text().isEmpty()) {
      try (PreparedStatement statement = table.prepare(session, all.text(), 0)) {
        Binder.bindArrays(statement, all.params(), batch);
        Arrays.fill(held, statement.executeUpdate() == held.length);
        return held;
      }
    }
    Sql one = table.sql(Verb.COMPLETE);
    try (PreparedStatement statement = table.prepare(session, one.text(), 0)) {
      for (Binder values : batch) {
        values.bind(statement, one.params());
        statement.addBatch();
      }
      int[] counts = statement.executeBatch();
      for (int i = 0; i < held.length; i++) {
        held[i] = counts[i] == 1;
      }
      return held;
    }
  }

  /** One batch of claims. */
  private final class Run {

    private final @Nullable StoredOutcome outcome;
    private final Duration waitAtMost;
    private final long start = System.nanoTime();
    private final Map<RecordId, Claim> answers = new HashMap<>();
    private final List<ClaimRequest> special = new ArrayList<>();
    private Session session;
    private int owned;

    Run(Session session, @Nullable StoredOutcome outcome, Duration waitAtMost) {
      this.session = session;
      this.outcome = outcome;
      this.waitAtMost = waitAtMost;
    }

    void claim(List<ClaimRequest> requests) throws SQLException {
      if (requests.size() == 1) {
        Duration waited = Duration.ofNanos(System.nanoTime() - start);
        boolean mayWait = waited.compareTo(waitAtMost) < 0;
        claimOne(requests.get(0), mayWait ? waitAtMost.minus(waited) : Duration.ZERO);
        return;
      }
      List<ClaimRequest> contended = claimTogether(requests);
      if (!contended.isEmpty()) {
        int half = Math.max(1, contended.size() / 2);
        claim(contended.subList(0, half));
        claim(contended.subList(half, contended.size()));
      }
    }

    /** Last, and without waiting, because it is not in the order of the ids. */
    void claimSpecial() throws SQLException {
      for (ClaimRequest request : special) {
        claimOne(request, Duration.ZERO);
      }
    }

    private void claimOne(ClaimRequest request, Duration wait) throws SQLException {
      answer(request, table.claim(session, request, outcome, wait));
    }

    private void answer(ClaimRequest request, Claim claim) {
      answers.put(request.id(), claim);
      if (claim instanceof Claim.Acquired) {
        owned++;
        if (session.inTransaction()) {
          // There is something to lose now: a later vain wait must not undo it.
          session = new Session(session.connection(), Session.Mode.JOINED);
        }
      }
    }

    /**
     * Returns what is not answered because a rival is in the way of some of it; then none of the
     * keys is held.
     */
    private List<ClaimRequest> claimTogether(List<ClaimRequest> requests) throws SQLException {
      if (table.sql(Verb.INSERT_ALL).text().isEmpty()) {
        return requests;
      }
      int ownedBefore = owned;
      List<ClaimRequest> open = requests;
      for (int round = 1; round <= MAX_ROUNDS && !open.isEmpty(); round++) {
        List<ClaimRequest> left = open;
        try {
          open = table.withLockWait(session, NO_WAIT_MILLIS, () -> round(left));
        } catch (SQLException e) {
          if (!dialect.errors().lockTimeout(e)) {
            throw e;
          }
          table.undo(session, e);
          break;
        }
      }
      if (owned == ownedBefore) {
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
          answer(request, new Claim.Acquired(new Lease(request.id(), request.token(), 1)));
        } else if (row == null) {
          absent.add(request);
        } else if (row.completed() && !row.expired()) {
          answer(request, new Claim.Completed(row.fingerprint(), row.outcome()));
        } else if (row.isHeld() && !request.token().equals(row.token())) {
          Duration left = Duration.ofMillis(Objects.requireNonNull(row.leaseLeft()));
          answer(request, new Claim.Running(row.fingerprint(), left));
        } else {
          special.add(request);
        }
      }
      return absent;
    }

    private Map<RecordId, Answer> insert(List<ClaimRequest> requests) throws SQLException {
      Sql insert = table.claimSql(session, Verb.INSERT_ALL);
      List<Binder> batch =
          requests.stream()
              .map(
                  request ->
                      table
                          .values(session, request, outcome, NO_WAIT_MILLIS)
                          .put(Param.WAIT, NO_WAIT_MILLIS))
              .toList();
      Map<RecordId, Answer> answers = new HashMap<>();
      String text = insert.repeated(batch.size()).text();
      try (PreparedStatement statement = table.prepare(session, text, NO_WAIT_MILLIS)) {
        bind(statement, insert, batch);
        ResultSet result = table.firstResult(session, statement);
        if (result != null) {
          read(result, answers);
        }
        session.settle();
        Answer taken = new Answer(true, null);
        requests.forEach(request -> answers.putIfAbsent(request.id(), taken));
        return answers;
      } catch (SQLException e) {
        if (!dialect.errors().duplicate(e)) {
          throw e;
        }
      }
      Sql all = table.sql(Verb.READ_ALL);
      String reading = all.repeated(batch.size()).text();
      try (PreparedStatement statement = table.prepare(session, reading, 0)) {
        bind(statement, all, batch);
        try (ResultSet result = statement.executeQuery()) {
          read(result, answers);
        }
        session.settle();
        return answers;
      }
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
    while (result.next()) {
      RecordId id = Binder.id(result, 9);
      if (id != null) {
        answers.put(id, new Answer(false, Row.of(result)));
      }
    }
  }

  /** What a claim met: nothing and went in, a row, or a row that cannot be seen yet. */
  private record Answer(boolean taken, @Nullable Row row) {}
}
