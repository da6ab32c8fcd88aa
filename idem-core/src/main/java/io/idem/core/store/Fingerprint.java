package io.idem.core.store;

import io.idem.core.internal.Digests;
import io.idem.core.internal.Utf8;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * A digest of what a request asks for, by which a repeat is told from a different request under the
 * same key.
 *
 * <p>Two requests are the same if their fingerprints {@linkplain #matches(Fingerprint) match}.
 * {@link #NONE} stands for a caller that has nothing to compare and matches everything. Immutable
 * and thread-safe.
 */
public final class Fingerprint {

  /** Length in bytes of every fingerprint but {@link #NONE}. */
  public static final int BYTES = 16;

  /** The fingerprint of a caller that has nothing to compare. */
  public static final Fingerprint NONE = new Fingerprint(new byte[0]);

  private final byte[] bytes;

  private Fingerprint(byte[] bytes) {
    this.bytes = bytes;
  }

  /**
   * Digests parts, each prefixed with its length, so that moving a boundary changes the result.
   *
   * @param parts what counts as the request, in a fixed order
   * @return the first 16 bytes of the SHA-256 digest
   */
  public static Fingerprint of(List<byte[]> parts) {
    MessageDigest digest = Digests.sha256();
    byte[] prefix = new byte[Integer.BYTES]; // a digest is slow to take single bytes
    for (byte[] part : parts) {
      int length = part.length;
      prefix[0] = (byte) (length >>> 24);
      prefix[1] = (byte) (length >>> 16);
      prefix[2] = (byte) (length >>> 8);
      prefix[3] = (byte) length;
      digest.update(prefix);
      digest.update(part);
    }
    byte[] all = digest.digest();
    Digests.giveBack(digest);
    return new Fingerprint(Arrays.copyOf(all, BYTES));
  }

  /**
   * Digests strings, each as length-prefixed UTF-8. Half a surrogate pair, which a JSON text may
   * contain, counts as the three bytes its code point would have, so no two strings meet.
   *
   * @param parts what counts as the request, in a fixed order
   * @return the fingerprint
   */
  public static Fingerprint of(String... parts) {
    return of(Arrays.stream(parts).map(Utf8::encode).toList());
  }

  /**
   * Takes a digest that the caller has made of all that counts as the request.
   *
   * @param digest a SHA-256 digest, or another of at least {@value #BYTES} bytes that nobody can
   *     find two requests for
   * @return its first {@value #BYTES} bytes
   * @throws IllegalArgumentException for fewer bytes
   */
  public static Fingerprint ofDigest(byte[] digest) {
    if (digest.length < BYTES) {
      throw new IllegalArgumentException(
          "A digest for a fingerprint has at least " + BYTES + " bytes, found " + digest.length);
    }
    return new Fingerprint(Arrays.copyOf(digest, BYTES));
  }

  /**
   * Reads a fingerprint back from the form {@link #toBytes()} gives.
   *
   * @param bytes none, or exactly {@value #BYTES} bytes
   * @return the fingerprint
   * @throws IllegalArgumentException for any other length
   */
  public static Fingerprint fromBytes(byte[] bytes) {
    if (bytes.length == 0) {
      return NONE;
    }
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException(
          "A fingerprint has 0 or " + BYTES + " bytes, found " + bytes.length);
    }
    return new Fingerprint(bytes.clone());
  }

  /**
   * The fingerprint as bytes.
   *
   * @return a new array, empty for {@link #NONE}
   */
  public byte[] toBytes() {
    return bytes.clone();
  }

  /**
   * Whether a request with the other fingerprint is a repeat of this one.
   *
   * @param other the other fingerprint
   * @return true if both are equal, or if either is {@link #NONE}
   */
  public boolean matches(Fingerprint other) {
    return bytes.length == 0 || other.bytes.length == 0 || Arrays.equals(bytes, other.bytes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Fingerprint that && Arrays.equals(bytes, that.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** The digest in hexadecimal. It reveals nothing of the request, so it may be logged. */
  @Override
  public String toString() {
    return bytes.length == 0 ? "none" : HexFormat.of().formatHex(bytes);
  }
}
