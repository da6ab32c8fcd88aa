package io.idem.core.internal;

import io.idem.core.store.Lease;
import java.time.Duration;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A lease this node holds and keeps alive. */
final class HeldLease {

  static final int NO_SLOT = -1;

  final Lease lease;
  final String operation;
  final @Nullable String step;
  final Duration leaseFor;
  final long startNanos;
  final ReentrantLock renewal = new ReentrantLock();
  private final long renewAfterNanos;
  volatile long renewedNanos;

  /** Where {@link HeldLeases} has it, written before it is there for others to see. */
  int slot = NO_SLOT;

  /** A renewal is on its way; set by the heartbeat alone. */
  volatile boolean renewing;

  /** The store has said that somebody else owns the key. */
  volatile boolean lost;

  /** What the run has recorded of its steps; null for runs that cannot have any. */
  volatile @Nullable RecordedSteps steps;

  /** The run is over, and what becomes of the key is being written or was. */
  volatile boolean ending;

  /**
   * Creates a lease.
   *
   * @param step the step that it is for, or null if it is the operation's
   * @param startNanos when the request came in
   * @param claimedNanos when the claim that won it was sent: its time may count from then
   */
  HeldLease(
      Lease lease,
      String operation,
      @Nullable String step,
      Duration leaseFor,
      long startNanos,
      long claimedNanos) {
    this.lease = lease;
    this.operation = operation;
    this.step = step;
    this.leaseFor = leaseFor;
    this.startNanos = startNanos;
    this.renewAfterNanos = Durations.nanos(leaseFor) / 3;
    this.renewedNanos = claimedNanos;
  }

  /**
   * Whether the lease holds for sure: its length has not passed since the last renewal was sent.
   */
  boolean isFresh(long nowNanos) {
    return !lost && nowNanos - renewedNanos < Durations.nanos(leaseFor);
  }

  /** What its logs call it. */
  String title() {
    return step == null ? operation : operation + "/" + step;
  }

  /** Whether a third of the lease has passed since it was last renewed. */
  boolean isDue(long nowNanos) {
    return !lost && nowNanos - renewedNanos >= renewAfterNanos;
  }

  /** Each is one of its own. */
  @Override
  public boolean equals(@Nullable Object other) {
    return this == other;
  }

  /** By the lease: an object's own hash code is dear to have, and few live that long. */
  @Override
  public int hashCode() {
    return lease.token().hashCode();
  }
}
