package io.idem.core.internal;

import io.idem.core.store.Lease;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;

/** A lease this node holds and keeps alive. */
final class HeldLease {

  final Lease lease;
  final String operation;
  final Duration leaseFor;
  final long startNanos;
  final AtomicBoolean renewing = new AtomicBoolean();
  final ReentrantLock renewal = new ReentrantLock();
  volatile long renewedNanos;
  volatile boolean lost;

  HeldLease(Lease lease, String operation, Duration leaseFor, long startNanos) {
    this.lease = lease;
    this.operation = operation;
    this.leaseFor = leaseFor;
    this.startNanos = startNanos;
    this.renewedNanos = startNanos;
  }

  /** Whether a third of the lease has passed since it was last renewed. */
  boolean isDue(long nowNanos) {
    return !lost && nowNanos - renewedNanos >= leaseFor.toNanos() / 3;
  }
}
