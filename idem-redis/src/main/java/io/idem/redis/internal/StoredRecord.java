package io.idem.redis.internal;

import io.idem.core.store.Fingerprint;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoredOutcome;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A record as Java sees it. Its layout stands in {@code record.lua}. */
final class StoredRecord {

  private static final short MAGIC = (short) 0xC11D;
  private static final int STATE = 2;
  private static final int FORMAT_1 = 0x10;
  private static final int FORMAT_2 = 0x20;
  private static final int HAS_OUTCOME = 1;
  private static final int COMPARABLE = 2;
  private static final int TOKEN = 3;
  private static final int AFTER_TOKEN = TOKEN + OwnerToken.BYTES;
  private static final int FIRST_ATTEMPT = 1 << 8;
  private static final int RUN_BYTES = 3 + 6;

  private final byte[] value;

  /** Wraps a value that was recognised as a record. */
  StoredRecord(byte[] value) {
    this.value = value;
  }

  /**
   * What a run becomes with its outcome.
   *
   * @param running the record of a run, as {@link #running} made it
   */
  static byte[] completed(byte[] running, byte[] outcome) {
    int digest = running.length - AFTER_TOKEN - RUN_BYTES;
    byte[] completed = Arrays.copyOf(running, AFTER_TOKEN + digest + outcome.length);
    completed[STATE] |= HAS_OUTCOME;
    System.arraycopy(running, AFTER_TOKEN + RUN_BYTES, completed, AFTER_TOKEN, digest);
    System.arraycopy(outcome, 0, completed, AFTER_TOKEN + digest, outcome.length);
    return completed;
  }

  /** Whether a record has that owner. */
  static boolean isOf(byte[] record, OwnerToken token) {
    ByteBuffer buffer = ByteBuffer.wrap(record);
    return buffer.getLong(TOKEN) == token.high()
        && buffer.getLong(TOKEN + Long.BYTES) == token.low();
  }

  /** Whether a value is a record that has an outcome. Scripts tell all others apart. */
  static boolean isCompleted(byte[] value) {
    if (value.length < AFTER_TOKEN || ByteBuffer.wrap(value).getShort() != MAGIC) {
      return false;
    }
    int state = value[STATE] & ~COMPARABLE;
    return state == FORMAT_2 + HAS_OUTCOME || state == FORMAT_1 + HAS_OUTCOME;
  }

  /**
   * The record of a first attempt.
   *
   * @param graceMillis how long it is kept after its lease; less than 2^48
   */
  static byte[] running(OwnerToken token, long graceMillis, Fingerprint fingerprint) {
    byte[] digest = fingerprint.toBytes();
    return ByteBuffer.allocate(AFTER_TOKEN + RUN_BYTES + digest.length)
        .putShort(MAGIC)
        .put((byte) (digest.length == 0 ? FORMAT_2 : FORMAT_2 + COMPARABLE))
        .putLong(token.high())
        .putLong(token.low())
        // Three bytes and six, written as four, four and one.
        .putInt(FIRST_ATTEMPT | (int) (graceMillis >>> 40))
        .putInt((int) (graceMillis >>> 8))
        .put((byte) graceMillis)
        .put(digest)
        .array();
  }

  /** The attempt of a record without an outcome. */
  int attempt() {
    return ByteBuffer.wrap(value).getInt(AFTER_TOKEN) >>> 8;
  }

  /** The fingerprint of a record without an outcome. */
  Fingerprint fingerprintOfRun() {
    return fingerprint(AFTER_TOKEN + RUN_BYTES);
  }

  /** The fingerprint of a record with an outcome. */
  Fingerprint fingerprintOfOutcome() {
    return fingerprint(AFTER_TOKEN);
  }

  /** The outcome of a record that has one. */
  StoredOutcome outcome() {
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
