package io.idem.core.store;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * Which records a store has lately met with an outcome, so that a repeat can be read before
 * anything is tried to be written.
 *
 * <p>A guess, and nothing more: whatever it says, what is stored decides. It remembers some 16,000,
 * forgets at will and takes 128 KiB. Thread-safe.
 */
public final class MetRecords {

  private static final int SLOTS = 1 << 14;

  /** So many places one record can be in: those that are met often do not put each other out. */
  private static final int WAYS = 4;

  private final AtomicLongArray slots = new AtomicLongArray(SLOTS);

  /** Nothing met yet. */
  public MetRecords() {}

  /**
   * Remembers a record, possibly in the place of another one.
   *
   * @param id which was completed, or read with an outcome
   */
  public void add(RecordId id) {
    long mark = mark(id);
    int first = first(id);
    int place = first + (int) (mark >>> 62);
    for (int i = first; i < first + WAYS; i++) {
      long there = slots.getOpaque(i);
      if (there == mark) {
        return;
      }
      if (there == 0) {
        place = i;
      }
    }
    slots.setOpaque(place, mark);
  }

  /**
   * Whether a record was met.
   *
   * @param id which
   * @return false also if it was forgotten; true, very rarely, for one that was never met
   */
  public boolean mayContain(RecordId id) {
    long mark = mark(id);
    int first = first(id);
    for (int i = first; i < first + WAYS; i++) {
      if (slots.getOpaque(i) == mark) {
        return true;
      }
    }
    return false;
  }

  private static int first(RecordId id) {
    return (int) id.low() & (SLOTS - WAYS);
  }

  /** The lower half of an id is all digest. An id whose half is zero is looked at in vain. */
  private static long mark(RecordId id) {
    return id.low();
  }
}
