package io.idem.core.store;

import java.nio.ByteBuffer;

/**
 * The mark of one claim: no two claims, on any node, at any time, share one.
 *
 * <p>Every write after a claim compares it in the same statement or script. Immutable and
 * thread-safe.
 *
 * @param high the first eight bytes, big-endian
 * @param low the last eight bytes, big-endian
 */
public record OwnerToken(long high, long low) {

  /** Length of a token in bytes. */
  public static final int BYTES = 16;

  /**
   * Reads a token back from the form {@link #toBytes()} gives.
   *
   * @param bytes exactly {@value #BYTES} bytes
   * @return the token
   * @throws IllegalArgumentException if the length differs
   */
  public static OwnerToken fromBytes(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "An owner token has " + BYTES + " bytes, found " + bytes.length);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new OwnerToken(buffer.getLong(), buffer.getLong());
  }

  /**
   * The token as bytes.
   *
   * @return a new array of {@value #BYTES} bytes
   */
  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }
}
