package io.idem.core.internal;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The leases of the runs under way. Most of them come and go between two looks of who goes through
 * them, so what has to be cheap is to add and to remove: a lease stands in a slot near to that of
 * its thread, and only those that find none in a set. Thread-safe.
 */
final class HeldLeases {

  /** A power of two. */
  private static final int SLOTS = 1024;

  /** So that threads next to each other are not in one line of a processor's cache. */
  private static final int STRIDE = 16;

  private static final int TRIES = 4;

  private final AtomicReferenceArray<@Nullable HeldLease> slots = new AtomicReferenceArray<>(SLOTS);
  private final Set<HeldLease> others = ConcurrentHashMap.newKeySet();

  /**
   * Adds a lease.
   *
   * @param lease not added before
   */
  void add(HeldLease lease) {
    int first = (int) Thread.currentThread().getId() * STRIDE;
    for (int i = 0; i < TRIES; i++) {
      int at = (first + i) & (SLOTS - 1);
      if (slots.get(at) == null) {
        lease.slot = at; // before it is there for others to see
        if (slots.compareAndSet(at, null, lease)) {
          return;
        }
      }
    }
    lease.slot = HeldLease.NO_SLOT;
    others.add(lease);
  }

  /** Removes a lease, which may have been removed before or never added. */
  void remove(HeldLease lease) {
    int at = lease.slot;
    if (at == HeldLease.NO_SLOT) {
      others.remove(lease);
    } else {
      slots.compareAndSet(at, lease, null);
    }
  }

  /** Whether a lease was added and not removed. */
  boolean contains(HeldLease lease) {
    int at = lease.slot;
    return at == HeldLease.NO_SLOT ? others.contains(lease) : lease.equals(slots.get(at));
  }

  /** Goes through the leases that are there all the while, and some of the others. */
  void forEach(Consumer<HeldLease> action) {
    for (int at = 0; at < SLOTS; at++) {
      HeldLease lease = slots.get(at);
      if (lease != null) {
        action.accept(lease);
      }
    }
    others.forEach(action);
  }
}
