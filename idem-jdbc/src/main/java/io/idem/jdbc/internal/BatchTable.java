package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Completion;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Many keys of a {@link RecordTable} at once, the one algorithm of all databases.
 *
 * <ol>
 *   <li>Claim all keys, sorted by id, with a statement that waits for no rival, and say with it, or
 *       with a second one, what was in the way. As long as nobody else is in the middle of one of
 *       them, that is all.
 *   <li>If a rival is in the way, find the very keys that are contended. Only there is waited, key
 *       by key, for what is left of the batch's bound. {@link HalvingRun}, {@link OrderedRun} and
 *       {@link OptimisticRun} do so by what a failed statement leaves behind in their databases.
 *   <li>The rare rest, expired or abandoned, is taken key by key in the end, without waiting.
 * </ol>
 *
 * <p>So keys are locked in the order of their ids, and nobody waits for a key while holding a
 * higher one: overlapping batches queue up. A batch is told exactly which of its keys are busy.
 *
 * <p>A deadlock can still come from elsewhere, such as a holder that rolls back. In a transaction
 * that has done nothing but this batch, the batch begins again; in every other it is an error.
 * Thread-safe; errors are the driver's.
 */
public final class BatchTable {

  /** How often a batch in a transaction of its own begins again as the victim of a deadlock. */
  private static final int MAX_ATTEMPTS = 5;

  private final RecordTable table;
  private final Statements statements;
  private final Map<Verb, JsonRows> json = new EnumMap<>(Verb.class);

  /**
   * Adds batches to a table.
   *
   * @param table the table
   */
  public BatchTable(RecordTable table) {
    this.table = table;
    this.statements = table.statements();
    statements
        .dialect()
        .statements()
        .forEach(
            (verb, template) -> {
              if (JsonRows.takes(template)) {
                json.put(verb, new JsonRows(template, statements.words()));
              }
            });
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
    long start = System.nanoTime();
    if (session.mode() == Session.Mode.BEGUN) {
      // A vain wait for one key must not undo what the others' body relies on.
      session = session.used();
    }
    for (int attempt = 1; ; attempt++) {
      try {
        return run(session, outcome, waitAtMost, start).run(requests);
      } catch (SQLException e) {
        if (session.mode() != Session.Mode.OWNED
            || !table.isConflict(e)
            || attempt == MAX_ATTEMPTS) {
          throw e;
        }
        // A victim that has done nothing but this: its transaction begins anew.
        SessionWaits.restart(session, e);
      }
    }
  }

  private BatchRun run(
      Session session, @Nullable StoredOutcome outcome, Duration waitAtMost, long start) {
    return switch (statements.dialect().batches()) {
      case HALVING -> new HalvingRun(table, session, outcome, waitAtMost, start);
      case ORDERED ->
          new OrderedRun(json(Verb.INSERT_ALL), table, session, outcome, waitAtMost, start);
      case OPTIMISTIC ->
          new OptimisticRun(
              json(Verb.INSERT_ALL),
              json(Verb.READ_ALL),
              table,
              session,
              outcome,
              waitAtMost,
              start);
    };
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
                each -> table.values().ofCompletion(each.lease(), each.outcome(), each.retention()))
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
    if (json.containsKey(Verb.COMPLETE_ALL)) {
      return completedByRows(session, batch);
    }
    boolean[] held = new boolean[batch.size()];
    Sql all = statements.sql(Verb.COMPLETE_ALL);
    if (!all.text().isEmpty()) {
      try (Prepared prepared = statements.prepare(session, all.text(), 0)) {
        PreparedStatement statement = prepared.statement();
        Binder.bindArrays(statement, all.params(), batch);
        Arrays.fill(held, statement.executeUpdate() == held.length);
        return held;
      }
    }
    Sql one = statements.sql(Verb.COMPLETE);
    try (Prepared prepared = statements.prepare(session, one.text(), 0)) {
      PreparedStatement statement = prepared.statement();
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

  private boolean[] completedByRows(Session session, List<Binder> batch) throws SQLException {
    // In the order of the ids, as everybody locks them.
    List<Binder> sorted =
        batch.stream()
            .sorted(
                Comparator.comparing(key -> (byte[]) key.value(Param.ID), Arrays::compareUnsigned))
            .toList();
    Set<Binder> lost = Collections.newSetFromMap(new IdentityHashMap<>());
    List<Binder> open = sorted;
    while (!open.isEmpty()) {
      JsonRows.Filled filled = json(Verb.COMPLETE_ALL).fill(open);
      // An answer that fills a statement by itself is not made larger than it is.
      Sql sql = filled.keys() == 1 ? statements.sql(Verb.COMPLETE) : filled.sql();
      try (Prepared prepared = statements.prepare(session, sql, filled.values(), 0)) {
        PreparedStatement statement = prepared.statement();
        if (statement.executeUpdate() != filled.keys()) {
          lost.addAll(open.subList(0, filled.keys()));
        }
      }
      open = open.subList(filled.keys(), open.size());
    }
    boolean[] held = new boolean[batch.size()];
    for (int i = 0; i < held.length; i++) {
      held[i] = !lost.contains(batch.get(i));
    }
    return held;
  }

  private JsonRows json(Verb verb) {
    return Objects.requireNonNull(json.get(verb));
  }
}
