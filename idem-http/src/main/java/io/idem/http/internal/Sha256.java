package io.idem.http.internal;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** A SHA-256 digest over values that cannot run into each other. Not thread-safe. */
public final class Sha256 {

  private final MessageDigest digest;

  /** An empty digest. */
  public Sha256() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** Adds one byte. */
  public Sha256 tag(char ascii) {
    digest.update((byte) ascii);
    return this;
  }

  /** Adds a number of fixed width. */
  public Sha256 number(int value) {
    digest.update((byte) (value >>> 24));
    digest.update((byte) (value >>> 16));
    digest.update((byte) (value >>> 8));
    digest.update((byte) value);
    return this;
  }

  /**
   * Adds a string with its length, as UTF-16 code units: an encoder would map every unpaired
   * surrogate to one and the same byte.
   */
  public Sha256 string(String value) {
    number(value.length());
    ByteBuffer units = ByteBuffer.allocate(Character.BYTES * value.length());
    units.asCharBuffer().put(value);
    digest.update(units);
    return this;
  }

  /** Adds bytes with their length. */
  public Sha256 bytes(byte[] value) {
    return bytes(value, 0, value.length);
  }

  /** Adds a section of an array with its length. */
  public Sha256 bytes(byte[] value, int from, int to) {
    number(to - from);
    digest.update(value, from, to - from);
    return this;
  }

  /** Adds bytes as they are; the caller sees to it that their end is known. */
  public Sha256 raw(byte[] value, int from, int to) {
    digest.update(value, from, to - from);
    return this;
  }

  /** The digest of what was added, in hexadecimal; starts anew. */
  public String hex() {
    return HexFormat.of().formatHex(finish());
  }

  /** The digest of what was added; starts anew. */
  public byte[] finish() {
    return digest.digest();
  }
}
