package io.idem.jdbc.internal;

import java.util.EnumMap;
import java.util.Map;

/**
 * What the algorithm asks of a database, each with the statement that most databases understand.
 *
 * <p>Templates: {@code {table}} and {@code {now}} stand for text, every other placeholder for a
 * {@link Param}. What stands in double brackets is repeated for each key of a batch, with commas
 * between; a batch's statement without brackets takes each value as an array.
 */
enum Verb {
  /**
   * Claims an absent key. Answers with an update count, a row that says it was taken, or a
   * duplicate error.
   */
  INSERT(
      """
      INSERT INTO {table} (
        lease_until, expires_at, created_at, attempt, state, id, owner_token, fingerprint,
        namespace, operation, source, idempotency_key, outcome)
      VALUES (
        {now} + {lease}, {now} + {keep}, {now} + {age}, 1, {state}, {id}, {token}, {fingerprint},
        {namespace}, {operation}, {source}, {key}, {outcome})
      """),

  /**
   * As {@link #INSERT} where the transaction ends with the statement, so that nothing has to be set
   * back. Empty if there is no difference.
   */
  INSERT_ALONE(""),

  /**
   * As {@link #INSERT} for a row that is completed without an answer, whose other columns are null.
   * Empty if there is no difference.
   */
  INSERT_DONE(""),

  /**
   * As {@link #INSERT} where the connection itself bounds the wait for locks. Empty if there is no
   * difference.
   */
  INSERT_UNBOUNDED(""),

  /** As {@link #INSERT_ALONE} where the connection itself bounds the wait for locks. */
  INSERT_ALONE_UNBOUNDED(""),

  /** As {@link #INSERT_DONE} where the connection itself bounds the wait for locks. */
  INSERT_DONE_UNBOUNDED(""),

  /**
   * As {@link #INSERT} for a record that is probably there. Answers in the same statement with what
   * it met, as a row of {@link Row}. Empty if there is no difference.
   */
  INSERT_MEETING(""),

  /** Reads what an insert met that did not say so, as a row of {@link Row}. */
  READ(Parts.READ),

  /** As {@link #READ} where the transaction ends with the statement. */
  READ_ALONE(Parts.READ),

  /**
   * Reads the fingerprint and the outcome of a record that has one and is within its retention, in
   * a transaction that goes on. Empty where such a read would take a snapshot or a lock that the
   * transaction's other statements are then bound to.
   */
  LOOK(""),

  /** As {@link #LOOK} where the transaction ends with the statement. */
  LOOK_ALONE(
      "SELECT fingerprint, outcome FROM {table}"
          + " WHERE id = {id} AND state = 2 AND expires_at > {now}"),

  /** Claims a completed row past its retention, which the condition decides anew. */
  TAKE_EXPIRED(Parts.TAKE + "WHERE id = {id} AND state = 2 AND expires_at <= {now}"),

  /**
   * Claims a row whose lease ran out, unless it changed since it was seen. The token tells any
   * other claim apart, the clock a lease that was renewed.
   */
  TAKE_ABANDONED(
      Parts.TAKE
          + "WHERE id = {id} AND state = 1 AND owner_token = {seen_token}"
          + " AND (lease_until IS NULL OR lease_until <= {now})"),

  /**
   * Completes an owned row. The expiry stays as the claim set it, so that no index changes, unless
   * the run took longer than its first lease.
   */
  COMPLETE(
      """
      UPDATE {table} SET state = 2, outcome = {outcome},
        expires_at = GREATEST(expires_at, {now} + {keep})
      """
          + Parts.OWNED),

  /** As {@link #COMPLETE} for a run that took no longer than its claim reckoned with. */
  COMPLETE_IN_TIME("UPDATE {table} SET state = 2, outcome = {outcome} " + Parts.OWNED),

  /**
   * Completes an owned row and commits, in one statement list. A row that is not owned is an error,
   * after which nothing is committed. Empty where that takes two round trips.
   */
  COMPLETE_AND_COMMIT(""),

  /**
   * As {@link #COMPLETE_AND_COMMIT} in fewer steps, on the major versions that understand it. Empty
   * if there are none.
   */
  MERGE_AND_COMMIT(""),

  /** As {@link #MERGE_AND_COMMIT} for a run that took no longer than its claim reckoned with. */
  MERGE_IN_TIME_AND_COMMIT(""),

  /** Whether a row was completed under a token: a row if so. */
  COMPLETED("SELECT 1 FROM {table} WHERE id = {id} AND owner_token = {token} AND state = 2"),

  /**
   * Claims many absent keys. Answers with rows of {@link Row} and then the id, one for each key
   * that was not claimed and possibly one without an id; or with a count, or with a duplicate
   * error, after which nothing was inserted. Empty to claim key by key.
   */
  INSERT_ALL(
      """
      INSERT INTO {table} (
        lease_until, expires_at, created_at, attempt, state, id, owner_token, fingerprint,
        namespace, operation, source, idempotency_key, outcome)
      VALUES [[(
        {now} + {lease}, {now} + {keep}, {now} + {age}, 1, {state}, {id}, {token}, {fingerprint},
        {namespace}, {operation}, {source}, {key}, {outcome})]]
      """),

  /** Reads what {@link #INSERT_ALL} met, as rows of {@link Row} and the id. Empty if it answers. */
  READ_ALL(
      """
      SELECT 0 AS taken, state, owner_token, attempt, fingerprint, outcome,
        lease_until - {now} AS lease_left, expires_at - {now} AS expires_in, id
      FROM {table} WHERE id IN ([[{id}]])
      """),

  /** Completes many owned rows in one statement. Empty to send {@link #COMPLETE} for each. */
  COMPLETE_ALL(""),

  /** For how long the oldest completed row that is still there has been past its retention. */
  LAG(
      """
      SELECT {now} - expires_at FROM {table} WHERE state = 2 AND expires_at <= {now}
      ORDER BY expires_at LIMIT 1
      """),

  /** Deletes an owned row. */
  RELEASE("DELETE FROM {table} " + Parts.OWNED),

  /** Lets the lease of an owned row run out at another time. */
  RENEW("UPDATE {table} SET lease_until = {now} + {lease} " + Parts.OWNED),

  /** Deletes completed rows past their retention, oldest first. */
  PURGE(
      """
      DELETE FROM {table} WHERE state = 2 AND expires_at <= {now}
      ORDER BY expires_at LIMIT {limit}
      """),

  /**
   * Puts off due rows without an outcome: they are never purged, and would stand in front of every
   * later purge. Their expiry has no meaning until they are completed.
   */
  DEFER(
      """
      UPDATE {table} SET expires_at = {now} + 86400000 WHERE state = 1 AND expires_at <= {now}
      ORDER BY expires_at LIMIT {limit}
      """);

  private final String standard;

  Verb(String standard) {
    this.standard = standard;
  }

  /** The statement that most databases understand. */
  String standard() {
    return standard;
  }

  /** As {@link #standardBut(Map)}, with the differences in two parts. */
  static Map<Verb, String> standardBut(Map<Verb, String> some, Map<Verb, String> others) {
    Map<Verb, String> all = new EnumMap<>(some);
    all.putAll(others);
    return standardBut(all);
  }

  /** The statements of a database that differs from the others in these. */
  static Map<Verb, String> standardBut(Map<Verb, String> differences) {
    Map<Verb, String> all = new EnumMap<>(Verb.class);
    for (Verb verb : values()) {
      all.put(verb, differences.getOrDefault(verb, verb.standard));
    }
    return Map.copyOf(all);
  }

  private static final class Parts {

    static final String READ =
        """
        SELECT 0 AS taken, state, owner_token, attempt, fingerprint, outcome,
          lease_until - {now} AS lease_left, expires_at - {now} AS expires_in
        FROM {table} WHERE id = {id}
        """;

    static final String TAKE =
        """
        UPDATE {table} SET attempt = {attempt}, state = {state}, owner_token = {token},
          lease_until = {now} + {lease}, expires_at = {now} + {keep}, created_at = {now} + {age},
          fingerprint = {fingerprint}, namespace = {namespace}, operation = {operation},
          source = {source}, idempotency_key = {key}, outcome = {outcome}
        """;

    static final String OWNED = "WHERE id = {id} AND owner_token = {token} AND state = 1";
  }
}
