package io.idem.core.internal;

import io.idem.core.Execution;
import io.idem.core.store.Claim;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** One key of a batch that this node leads: what the store said, and what became of it. */
final class BatchItem<T extends @Nullable Object> {

  /** Its first place in the caller's list. */
  final int index;

  final Call<T, ?> call;
  final Flight flight;
  private @Nullable Claim claim;
  private @Nullable Execution<T> execution;
  private @Nullable Exception failure;

  BatchItem(int index, Call<T, ?> call, Flight flight) {
    this.index = index;
    this.call = call;
    this.flight = flight;
  }

  void claimed(Claim claim) {
    this.claim = claim;
    this.execution = null;
    if (claim instanceof Claim.Acquired) {
      flight.ownedBy(call.fingerprint());
    } else if (claim instanceof Claim.Running running) {
      flight.ownedBy(running.fingerprint());
    } else if (claim instanceof Claim.Abandoned abandoned) {
      flight.ownedBy(abandoned.fingerprint());
    }
  }

  /** What the store said; null if it could not be asked and the operation fails open. */
  @Nullable Claim claim() {
    return claim;
  }

  boolean isFresh() {
    return claim instanceof Claim.Acquired;
  }

  /** Whether somebody else is in the middle of the same request. */
  boolean isBusy() {
    return claim instanceof Claim.Running running
        && running.fingerprint().matches(call.fingerprint());
  }

  /** The number of its run. */
  int attempt() {
    return claim instanceof Claim.Acquired acquired ? acquired.lease().attempt() : 1;
  }

  void ended(Execution<T> execution) {
    this.execution = execution;
  }

  /** The body failed before it had done this one. */
  void failed(Exception failure) {
    this.failure = failure;
  }

  /** What became of its run; thrown if it failed. */
  Execution<T> execution() {
    if (failure != null) {
      throw Sneaky.sneaky(failure);
    }
    return Objects.requireNonNull(execution, "execution");
  }
}
