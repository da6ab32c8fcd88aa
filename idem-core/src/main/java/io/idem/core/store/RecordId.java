package io.idem.core.store;

import java.nio.ByteBuffer;

/**
 * The fixed-length identity of one scoped key in a store: 16 bytes, compared byte by byte.
 *
 * <p>A store keeps these bytes in a binary column or key, never in text that a collation may fold.
 * Immutable and thread-safe.
 *
 * @param high the first eight bytes, big-endian
 * @param low the last eight bytes, big-endian
 */
public record RecordId(long high, long low) implements Comparable<RecordId> {

  /** Length of an id in bytes. */
  public static final int BYTES = 16;

  /**
   * Reads an id back from the form {@link #toBytes()} gives.
   *
   * @param bytes exactly {@value #BYTES} bytes
   * @return the id
   * @throws IllegalArgumentException if the length differs
   */
  public static RecordId fromBytes(byte[] bytes) {
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "A record id has " + BYTES + " bytes, found " + bytes.length);
    }
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    return new RecordId(buffer.getLong(), buffer.getLong());
  }

  /**
   * The id as bytes.
   *
   * @return a new array of {@value #BYTES} bytes
   */
  public byte[] toBytes() {
    return ByteBuffer.allocate(BYTES).putLong(high).putLong(low).array();
  }

  /** Byte by byte, unsigned: the order in which a database sorts the stored bytes. */
  @Override
  public int compareTo(RecordId other) {
    int order = Long.compareUnsigned(high, other.high);
    return order != 0 ? order : Long.compareUnsigned(low, other.low);
  }

  @Override
  public int hashCode() {
    // The bytes are a digest already: folding them is a good hash and cheaper than the default.
    return Long.hashCode(high ^ low);
  }

  /** The id as 32 hexadecimal digits. It reveals nothing of the key, so it may be logged. */
  @Override
  public String toString() {
    return hex(high) + hex(low);
  }

  private static String hex(long value) {
    String digits = Long.toHexString(value);
    return "0".repeat(16 - digits.length()) + digits;
  }
}
