package io.idem.jdbc;

/**
 * Who bounds how long a claim waits for a rival that has not committed.
 *
 * <p>Two transactions that claim one key meet in the database: the second waits until the first
 * commits or rolls back, and must not wait for ever.
 */
public enum LockWait {

  /**
   * The store cancels a claim that has waited long enough, as drivers cancel a statement for its
   * query timeout. The default: it costs a claim nothing that does not wait. Only on PostgreSQL,
   * and for waits of 200 milliseconds and more; everything else is as with {@link #PER_CLAIM}.
   *
   * <p>A cancellation comes up to 50 milliseconds after the wait is over, over a connection of its
   * own to the same address. The claim is then made once more, with a bound of the server's and no
   * wait left: it answers Busy if somebody holds the key, and succeeds if the server was slow.
   * Where a statement goes on in spite of its cancellation, as behind a proxy that drops them, a
   * warning says so, and for ten minutes claims bound their waits as with {@link #PER_CLAIM}; those
   * under way wait until their rivals have ended.
   */
  BY_CLIENT,

  /**
   * Every claim sets its own bound on the server and sets back what was there before. It needs
   * nothing, is exact, and on PostgreSQL takes longer than all else that a claim does beside its
   * insert.
   */
  PER_CLAIM,

  /**
   * The connections carry a {@code lock_timeout}, which a claim leaves alone; on PostgreSQL only.
   * That saves a good part of what a claim costs, and bounds the application's own statements as
   * well.
   *
   * <p>A claim waits no longer than the connection says, and in a transaction no longer than its
   * operation says either: one that may wait less than the connection sets its own bound as with
   * {@link #PER_CLAIM}. Choose a {@code lock_timeout} shorter than what operations wait at most. A
   * connection without one is refused by {@link JdbcSchema#check()} and by a store's first claim;
   * one that loses it later waits until the query timeout.
   */
  OF_SESSION
}
