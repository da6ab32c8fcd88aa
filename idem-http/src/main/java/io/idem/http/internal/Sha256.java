package io.idem.http.internal;

import java.security.DigestException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * A SHA-256 digest over values that cannot run into each other. What it takes is digested as it
 * comes, through a small buffer: nothing is copied as a whole. Not thread-safe.
 */
public final class Sha256 {

  /** Length in bytes of a digest. */
  public static final int BYTES = 32;

  private static final int BUFFER_BYTES = 256;
  private static final int PLACES = 32;

  /** Never fed, only cloned: so threads may share it. */
  private static final MessageDigest EMPTY = newDigest();

  /** How many are kept to be used again, a power of two; each in a cache line of its own. */
  private static final int SLOTS = 64;

  private static final int SPREAD = 16;

  private static final AtomicReferenceArray<Sha256> SPARE =
      new AtomicReferenceArray<>(SLOTS * SPREAD);

  private final MessageDigest digest = emptyDigest();
  private final byte[] buffer = new byte[BUFFER_BYTES];
  private final byte[] room = new byte[BUFFER_BYTES];
  private final int[] places = new int[PLACES];
  private int buffered;

  /** Whether some of what was added has left the buffer. */
  private boolean begun;

  /** An empty digest. */
  public Sha256() {}

  /** An empty digest that may have been used before, the caller's alone until it is given back. */
  public static Sha256 take() {
    Sha256 spare = SPARE.getAndSet(slot(), null);
    return spare == null ? new Sha256() : spare;
  }

  /** Leaves this digest, which is finished, to whoever comes next, and nothing of what it took. */
  public void giveBack() {
    Arrays.fill(buffer, (byte) 0);
    Arrays.fill(room, (byte) 0);
    SPARE.set(slot(), this);
  }

  private static int slot() {
    return ((int) Thread.currentThread().getId() & (SLOTS - 1)) * SPREAD;
  }

  private static MessageDigest emptyDigest() {
    try {
      return (MessageDigest) EMPTY.clone(); // cheaper than asking the providers
    } catch (CloneNotSupportedException e) {
      return newDigest();
    }
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-256", e);
    }
  }

  /** Adds one byte. */
  public Sha256 tag(char ascii) {
    put((byte) ascii);
    return this;
  }

  /** Adds a number of fixed width. */
  public Sha256 number(int value) {
    put((byte) (value >>> 24));
    put((byte) (value >>> 16));
    put((byte) (value >>> 8));
    put((byte) value);
    return this;
  }

  /**
   * Adds a string with its length, as UTF-16 code units: an encoder would map every unpaired
   * surrogate to one and the same byte.
   */
  public Sha256 string(String value) {
    number(value.length());
    if (2 * value.length() > buffer.length - buffered) {
      for (int i = 0; i < value.length(); i++) {
        unit(value.charAt(i));
      }
      return this;
    }
    int end = buffered;
    for (int i = 0; i < value.length(); i++) {
      char unit = value.charAt(i);
      buffer[end++] = (byte) (unit >>> 8);
      buffer[end++] = (byte) unit;
    }
    buffered = end;
    return this;
  }

  /** Adds UTF-16 code units as they are; the caller sees to it that their end is known. */
  public Sha256 units(char[] value, int from, int to) {
    for (int i = from; i < to; i++) {
      unit(value[i]);
    }
    return this;
  }

  /** Adds bytes with their length. */
  public Sha256 bytes(byte[] value) {
    return bytes(value, 0, value.length);
  }

  /** Adds a section of an array with its length. */
  public Sha256 bytes(byte[] value, int from, int to) {
    return number(to - from).raw(value, from, to);
  }

  /** Adds bytes as they are; the caller sees to it that their end is known. */
  public Sha256 raw(byte[] value, int from, int to) {
    int length = to - from;
    if (length > buffer.length - buffered) {
      flush();
      digest.update(value, from, length);
      begun = true;
    } else {
      System.arraycopy(value, from, buffer, buffered, length);
      buffered += length;
    }
    return this;
  }

  /** The digest of what was added, in hexadecimal; starts anew. */
  public String hex() {
    return HexFormat.of().formatHex(finish());
  }

  /** The digest of what was added; starts anew. */
  public byte[] finish() {
    flush();
    begun = false;
    return digest.digest();
  }

  /** Forgets what was added. */
  public void startAnew() {
    digest.reset();
    buffered = 0;
    begun = false;
  }

  /** Writes the digest of what was added, {@value #BYTES} bytes, into an array; starts anew. */
  public void finishInto(byte[] target, int at) {
    flush();
    begun = false;
    try {
      digest.digest(target, at, BYTES);
    } catch (DigestException e) {
      throw new IllegalArgumentException("A digest needs " + BYTES + " bytes of room", e);
    }
  }

  /**
   * Writes what was added itself, if that is short, and else its digest, into an array; starts
   * anew.
   *
   * @param most up to how many bytes it is short; no more than the buffer has
   * @return how many bytes it is, or -1 for a digest
   */
  int finishShortInto(byte[] target, int at, int most) {
    if (begun || buffered > most) {
      finishInto(target, at);
      return -1;
    }
    int length = buffered;
    System.arraycopy(buffer, 0, target, at, length);
    buffered = 0;
    return length;
  }

  /**
   * An array for whoever has this digest, to work in; its content is lost when he gives it back.
   */
  byte[] room() {
    return room;
  }

  /**
   * As {@link #room}, for numbers that tell nothing of what was taken: they are left as they are.
   */
  int[] places() {
    return places;
  }

  private void unit(char unit) {
    put((byte) (unit >>> 8));
    put((byte) unit);
  }

  private void put(byte value) {
    if (buffered == buffer.length) {
      flush();
    }
    buffer[buffered++] = value;
  }

  private void flush() {
    if (buffered > 0) {
      digest.update(buffer, 0, buffered);
      buffered = 0;
      begun = true;
    }
  }
}
