package io.idem.jdbc.internal;

import io.idem.core.store.Fingerprint;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoredOutcome;
import java.sql.ResultSet;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A record as a claim met it.
 *
 * @param completed whether it has an outcome
 * @param token its last owner, if that is kept
 * @param attempt its last attempt
 * @param fingerprint its request
 * @param outcome what is to be replayed once it is completed
 * @param leaseLeft milliseconds until its lease runs out; null if its lease is a transaction
 * @param expiresIn milliseconds until its outcome counts as absent
 */
record Row(
    boolean completed,
    @Nullable OwnerToken token,
    int attempt,
    Fingerprint fingerprint,
    StoredOutcome outcome,
    @Nullable Long leaseLeft,
    long expiresIn) {

  static final int RUNNING = 1;
  static final int COMPLETED = 2;

  /** Reads columns 2 to 8 of the statements that answer with a record; null if there is none. */
  static @Nullable Row of(ResultSet result) throws SQLException {
    int state = result.getInt(2);
    if (result.wasNull()) {
      return null;
    }
    long leaseLeft = result.getLong(7);
    Long lease = result.wasNull() ? null : leaseLeft;
    return new Row(
        state == COMPLETED,
        Binder.token(result, 3),
        result.getInt(4),
        fingerprint(result, 5),
        outcome(result, 6),
        lease,
        result.getLong(8));
  }

  /** Reads a fingerprint, of which none is a kind as well. */
  static Fingerprint fingerprint(ResultSet result, int column) throws SQLException {
    byte[] bytes = result.getBytes(column);
    try {
      return bytes == null ? Fingerprint.NONE : Fingerprint.fromBytes(bytes);
    } catch (IllegalArgumentException e) {
      throw unreadable(e);
    }
  }

  /** Reads the outcome of a completed record. */
  static StoredOutcome outcome(ResultSet result, int column) throws SQLException {
    byte[] bytes = result.getBytes(column);
    try {
      return bytes == null ? StoredOutcome.done() : StoredOutcome.fromBytes(bytes);
    } catch (IllegalArgumentException e) {
      throw unreadable(e);
    }
  }

  private static SQLException unreadable(IllegalArgumentException e) {
    return new SQLException("The record cannot be read: " + e.getMessage(), e);
  }

  /** Whether it has an owner whose lease holds. */
  boolean isHeld() {
    return !completed && leaseLeft != null && leaseLeft > 0;
  }

  /** Whether it counts as absent. */
  boolean expired() {
    return completed && expiresIn <= 0;
  }
}
