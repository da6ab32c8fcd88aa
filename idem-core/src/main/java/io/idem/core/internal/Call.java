package io.idem.core.internal;

import io.idem.core.Body;
import io.idem.core.IdempotentRequest;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.RecordId;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through the engine.
 *
 * @param startNanos when it came in
 * @param deadlineNanos when its waiting ends
 */
record Call<T extends @Nullable Object, X extends Throwable>(
    OperationSpec<T> spec,
    IdempotentRequest request,
    Body<T, X> body,
    ClaimRequest claim,
    long startNanos,
    long deadlineNanos) {

  RecordId id() {
    return claim.id();
  }

  Fingerprint fingerprint() {
    return claim.fingerprint(); // which covers more than the request's where keys are shared
  }

  /** Nanoseconds left to wait; zero when the bound has passed. */
  long remainingNanos() {
    return Math.max(0, deadlineNanos - System.nanoTime());
  }

  /** Whether it may wait and its wait is over. */
  boolean hasWaited() {
    return deadlineNanos != startNanos && remainingNanos() == 0;
  }

  /** Nanoseconds left to wait, at least until this long after the request came in. */
  long remainingNanos(long atLeast) {
    long now = System.nanoTime();
    return Math.max(0, Math.max(deadlineNanos - now, startNanos + atLeast - now));
  }
}
