package io.idem.jdbc.internal;

import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.RecordId;
import io.idem.core.store.RecordLabel;
import io.idem.core.store.StoredOutcome;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What statements about one record take, in the form in which it is kept. Immutable. */
final class RecordValues {

  private final boolean uuidIds;
  private final boolean storeLabels;

  /**
   * Decides about the form.
   *
   * @param dialect the database
   * @param storeLabels whether rows keep the readable parts of their key
   */
  RecordValues(DialectSpec dialect, boolean storeLabels) {
    this.uuidIds = dialect.uuidIds();
    this.storeLabels = storeLabels;
  }

  /** To find a record. */
  Binder ofRecord(RecordId id) {
    return new Binder(uuidIds).put(Param.ID, id.toBytes());
  }

  /** To find a record, if it has this owner. */
  Binder ofOwner(Lease lease) {
    return ofRecord(lease.id()).put(Param.TOKEN, lease.token().toBytes());
  }

  /** To complete a record of this owner. */
  Binder ofCompletion(Lease lease, StoredOutcome outcome, Duration retention) {
    return ofOwner(lease)
        .put(Param.OUTCOME, bytes(outcome))
        .put(Param.KEEP, Binder.millis(retention));
  }

  /** To claim a key, but for the wait that is left. */
  Binder ofClaim(
      Session session, ClaimRequest request, @Nullable StoredOutcome outcome, long waitMillis) {
    // A completed row has no owner and, without an answer, nothing to describe: it is kept small.
    boolean inbox = isDone(outcome);
    long leaseMillis = Math.max(1, Binder.millis(request.leaseFor()));
    // The clock is read before the wait, so the wait counts as well. And before the run: the lease
    // stands for its time, also where the outcome is written at once and not touched again.
    long keepMillis = leaseMillis + waitMillis + Binder.millis(request.retention());
    RecordLabel label = storeLabels && !inbox ? request.label() : null;
    Binder values =
        ofRecord(request.id())
            .put(Param.STATE, outcome == null ? Row.RUNNING : Row.COMPLETED)
            .put(Param.FINGERPRINT, bytes(request.fingerprint()))
            .put(Param.KEEP, keepMillis);
    if (outcome == null) {
      values.put(Param.TOKEN, request.token().toBytes());
    } else {
      values.put(Param.OUTCOME, bytes(outcome));
    }
    if (!inbox) {
      values.put(Param.AGE, 0L);
    }
    if (!session.inTransaction()) {
      values.put(Param.LEASE, leaseMillis + waitMillis);
    }
    if (label != null) {
      values
          .put(Param.NAMESPACE, Labels.clean(label.namespace()))
          .put(Param.OPERATION, Labels.clean(label.operation()))
          .put(Param.SOURCE, Labels.clean(label.source()))
          .put(Param.KEY, Labels.clean(label.key()));
    }
    return values;
  }

  /** Whether a record is completed as it is claimed, and without an answer. */
  static boolean isDone(@Nullable StoredOutcome outcome) {
    return outcome != null && outcome.equals(StoredOutcome.done());
  }

  private static byte @Nullable [] bytes(StoredOutcome outcome) {
    return isDone(outcome) ? null : outcome.toBytes();
  }

  /** A fingerprint as it is kept, null for none. */
  static byte @Nullable [] bytes(Fingerprint fingerprint) {
    byte[] bytes = fingerprint.toBytes();
    return bytes.length == 0 ? null : bytes;
  }
}
