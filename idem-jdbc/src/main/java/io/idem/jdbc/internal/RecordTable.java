package io.idem.jdbc.internal;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.MetRecords;
import io.idem.core.store.StoredOutcome;
import io.idem.jdbc.LockWait;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The records of one table, key by key: {@link Claims} makes a key somebody's, {@link OwnedRecords}
 * does what its owner asks for, {@link ExpiredRecords} frees what nobody sees any more. {@link
 * BatchTable} does so for many keys at once. Thread-safe; errors are the driver's.
 */
public final class RecordTable {

  private final Statements statements;
  private final RecordValues values;
  private final SessionWaits waits;
  private final Claims claims;
  private final OwnedRecords owned;
  private final ExpiredRecords expired;

  /**
   * Prepares the statements of one table.
   *
   * @param dialect the database
   * @param table the table
   * @param storeLabels whether rows keep the readable parts of their key
   * @param partitioned whether rows may move between partitions
   * @param lockWait who bounds the wait of claims, as far as the database lets it
   * @param queryTimeout how long a statement may take beyond its wait for a lock; zero for no limit
   */
  public RecordTable(
      DialectSpec dialect,
      TableName table,
      boolean storeLabels,
      boolean partitioned,
      LockWait lockWait,
      Duration queryTimeout) {
    MetRecords met = new MetRecords();
    this.statements = new Statements(dialect, table, queryTimeout, new StatementTimeouts());
    this.values = new RecordValues(dialect, storeLabels);
    this.waits = new SessionWaits(dialect);
    this.owned = new OwnedRecords(statements, values, met, partitioned);
    ClaimInserts inserts = new ClaimInserts(statements, waits, lockWait);
    this.claims = new Claims(statements, values, waits, inserts, owned, met);
    this.expired = new ExpiredRecords(statements);
  }

  /**
   * Claims a key.
   *
   * @param session where
   * @param request what
   * @param outcome its outcome, to be written in the same step; null to leave the key running
   * @param waitAtMost how long to wait for a rival that has not committed
   * @return the answer
   * @throws SQLException if the database fails; SQL state 40001 also if a rival's record cannot be
   *     seen at the transaction's isolation level
   * @throws IllegalStateException if the connection is to bound the wait and does not
   */
  public Claim claim(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    return claims.claim(session, request, outcome, waitAtMost);
  }

  /** As {@link #claim} for a record that was just met, or that a rival is about to commit. */
  Claim claimMet(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, Duration waitAtMost)
      throws SQLException {
    return claims.claimMet(session, request, outcome, waitAtMost);
  }

  /**
   * Completes an owned record.
   *
   * @param session where
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck complete(
      Session session, Lease lease, StoredOutcome outcome, Duration retention) throws SQLException {
    return complete(session, lease, outcome, retention, false);
  }

  /**
   * Completes an owned record.
   *
   * @param session where
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @param inTime whether its claim has it kept as long already
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck complete(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    return owned.complete(session, lease, outcome, retention, inTime);
  }

  /**
   * Whether a completion can commit its transaction by the way.
   *
   * @return true if {@link #completeAndCommit} is one round trip
   */
  public boolean commitsWithCompletion() {
    return owned.commitsWithCompletion();
  }

  /**
   * Completes an owned record and commits the transaction.
   *
   * @param session a transaction whose commit is the caller's to decide
   * @param lease whose
   * @param outcome what is to be replayed
   * @param retention how long to keep it
   * @param inTime whether its claim has it kept as long already
   * @return LOST if the record was not owned; then nothing is committed, and the transaction can
   *     only be rolled back
   * @throws SQLException if the database fails; it may have committed
   */
  public LeaseCheck completeAndCommit(
      Session session, Lease lease, StoredOutcome outcome, Duration retention, boolean inTime)
      throws SQLException {
    return owned.completeAndCommit(session, lease, outcome, retention, inTime);
  }

  /**
   * Deletes an owned record.
   *
   * @param session where
   * @param lease whose
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck release(Session session, Lease lease) throws SQLException {
    return owned.release(session, lease);
  }

  /**
   * Lets a lease run out at another time.
   *
   * @param session where
   * @param lease whose
   * @param leaseFor how long it holds from now
   * @return whether the record was still owned
   * @throws SQLException if the database fails
   */
  public LeaseCheck renew(Session session, Lease lease, Duration leaseFor) throws SQLException {
    return owned.renew(session, lease, leaseFor);
  }

  /**
   * Deletes completed records past their retention.
   *
   * @param session where
   * @param limit the most to delete
   * @return how many were deleted
   * @throws SQLException if the database fails
   */
  public int purge(Session session, int limit) throws SQLException {
    return expired.purge(session, limit);
  }

  /**
   * For how long the oldest record that could be purged has been past its retention.
   *
   * @param session where
   * @return zero if there is none
   * @throws SQLException if the database fails
   */
  public Duration purgeLag(Session session) throws SQLException {
    return expired.lag(session);
  }

  /**
   * Whether an error means that the transaction may be run again.
   *
   * @param e what the driver said
   * @return true for a deadlock or a serialization conflict
   */
  public boolean isConflict(SQLException e) {
    return statements.dialect().errors().conflict(e);
  }

  /**
   * How a transaction is run that Idem has not begun, and in which no key has been claimed.
   *
   * @return {@link Session.Mode#BEGUN} where a rollback undoes what was set in it
   */
  public Session.Mode ofOthers() {
    return statements.dialect().savepoint() == null ? Session.Mode.OWNED : Session.Mode.BEGUN;
  }

  /** The table's statements. */
  Statements statements() {
    return statements;
  }

  /** What these take. */
  RecordValues values() {
    return values;
  }

  /** How sessions wait for locks. */
  SessionWaits waits() {
    return waits;
  }
}
