package io.idem.jdbc.internal;

import io.idem.core.store.OwnerToken;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * What this node's claims have written of late, each in the place that its token names, until it is
 * taken or another one needs that place. What is not known here costs a completion some time and
 * nothing else. Takes a megabyte and a half at most. Thread-safe.
 */
final class KeptRecords {

  /** A power of two, more than there are runs at a time. The tokens of an engine count up. */
  private static final int PLACES = 1 << 14;

  private final AtomicReferenceArray<@Nullable KeptRecord> records =
      new AtomicReferenceArray<>(PLACES);

  void put(KeptRecord record) {
    records.set(place(record.token()), record);
  }

  /** What was put under a token, which is forgotten here; null if that is not known any more. */
  @Nullable KeptRecord take(OwnerToken token) {
    int place = place(token);
    KeptRecord record = records.get(place);
    return record != null
            && record.token().equals(token)
            && records.compareAndSet(place, record, null)
        ? record
        : null;
  }

  private static int place(OwnerToken token) {
    return (int) token.low() & (PLACES - 1);
  }
}
