package io.idem.jdbc;

/**
 * Who bounds how long a claim waits for a rival that has not committed.
 *
 * <p>Two transactions that claim one key meet in the database: the second waits until the first
 * commits or rolls back, and must not wait for ever.
 */
public enum LockWait {

  /**
   * Every claim sets its own bound and sets back what was there before. The default: it needs
   * nothing, and each operation waits as long as it is told to.
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
