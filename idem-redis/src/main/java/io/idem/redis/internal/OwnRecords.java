package io.idem.redis.internal;

import io.idem.core.store.OwnerToken;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The records that this node's claims wrote, for the completions that follow. A lease does not
 * carry its record, so it is kept here: each in the place that its token names, until it is taken
 * or another one needs that place. Runs that never end cost nothing more for that, and a record
 * that is missed costs its completion nothing but the plain command. Thread-safe.
 */
final class OwnRecords {

  /** A power of two: 64 kB of references, and a megabyte where every place is taken. */
  private static final int PLACES = 1 << 14;

  private final AtomicReferenceArray<byte @Nullable []> records =
      new AtomicReferenceArray<>(PLACES);

  /** Keeps a record. Nobody may change the array. */
  void put(OwnerToken token, byte[] record) {
    records.set(place(token), record);
  }

  /** The record with that token, which is forgotten here; null if it is not known. */
  byte @Nullable [] take(OwnerToken token) {
    int place = place(token);
    byte[] record = records.get(place);
    return record != null
            && StoredRecord.isOf(record, token)
            && records.compareAndSet(place, record, null)
        ? record
        : null;
  }

  private static int place(OwnerToken token) {
    return (int) token.low() & (PLACES - 1);
  }
}
