package io.idem.redis.internal;

import io.idem.core.store.Fingerprint;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoredOutcome;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The reading side of a record, whose layout stands in {@code record.lua}, which writes it. */
public final class StoredRecord {

  private static final int STATE = 2;
  private static final int COMPARABLE = 2;
  private static final int AFTER_TOKEN = 3 + OwnerToken.BYTES;
  private static final int LEASE_BYTES = 3 + 6;

  private final byte[] value;

  /** Wraps a value that a script has recognised as a record. */
  public StoredRecord(byte[] value) {
    this.value = value;
  }

  /** The attempt of a record without an outcome. */
  public int attempt() {
    return ByteBuffer.wrap(value).getInt(AFTER_TOKEN) >>> 8;
  }

  /** The fingerprint of a record without an outcome. */
  public Fingerprint fingerprintOfRun() {
    return fingerprint(AFTER_TOKEN + LEASE_BYTES);
  }

  /** The fingerprint of a record with an outcome. */
  public Fingerprint fingerprintOfOutcome() {
    return fingerprint(AFTER_TOKEN);
  }

  /** The outcome of a record that has one. */
  public StoredOutcome outcome() {
    int from = AFTER_TOKEN + (isComparable() ? Fingerprint.BYTES : 0);
    return StoredOutcome.fromBytes(Arrays.copyOfRange(value, from, value.length));
  }

  private Fingerprint fingerprint(int from) {
    return isComparable()
        ? Fingerprint.fromBytes(Arrays.copyOfRange(value, from, from + Fingerprint.BYTES))
        : Fingerprint.NONE;
  }

  private boolean isComparable() {
    return (value[STATE] & COMPARABLE) != 0;
  }
}
