package io.idem.jdbc.internal;

import io.idem.core.store.RecordId;
import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which records this node has lately met with an outcome, so that a repeat is looked at before
 * anything is tried to be inserted.
 *
 * <p>A guess, and nothing more: whatever it says, the database decides. It forgets at will and
 * takes 128 KiB. Thread-safe.
 */
final class MetRecords {

  private static final int SLOTS = 1 << 14;

  private final AtomicLongArray slots = new AtomicLongArray(SLOTS);

  void add(RecordId id) {
    slots.setOpaque(slot(id), mark(id));
  }

  boolean mayContain(RecordId id) {
    return slots.getOpaque(slot(id)) == mark(id);
  }

  private static int slot(RecordId id) {
    return (int) id.low() & (SLOTS - 1);
  }

  /** The lower half of an id is all digest. An id whose half is zero is looked at in vain. */
  private static long mark(RecordId id) {
    return id.low();
  }
}
