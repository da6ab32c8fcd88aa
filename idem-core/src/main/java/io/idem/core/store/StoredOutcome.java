package io.idem.core.store;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What is known of a finished run, in the form it is stored in.
 *
 * <p>To a store these are opaque bytes: {@link #toBytes()} and {@link #fromBytes(byte[])}. The
 * first byte is a format version; records of earlier versions stay readable. The layout of version
 * 1 is: version, kind (one byte each), length of the detail (two bytes, big-endian), the detail in
 * UTF-8, the payload to the end. Immutable and thread-safe.
 */
public final class StoredOutcome {

  /** What kind of outcome it is. */
  public enum Kind {
    /** The run succeeded and its operation keeps no answer. */
    DONE(0),
    /** The run succeeded; the payload is its encoded result. */
    RESULT(1),
    /** The run succeeded with {@code null}. */
    NULL_RESULT(2),
    /** The run failed in a way that repeats; the detail names the failure, the payload tells it. */
    FAILURE(3),
    /** The run succeeded, but its answer could not be kept; the detail says why. */
    NOT_STORED(4);

    /** The kind in the stored format: never reused, never changed. */
    private final byte code;

    Kind(int code) {
      this.code = (byte) code;
    }

    private static @Nullable Kind of(byte code) {
      for (Kind kind : KINDS) {
        if (kind.code == code) {
          return kind;
        }
      }
      return null;
    }
  }

  private static final byte FORMAT = 1;
  private static final int HEADER_BYTES = 4;
  private static final int MAX_DETAIL_BYTES = 0xFFFF;
  private static final byte[] EMPTY = new byte[0];
  private static final Kind[] KINDS = Kind.values();
  private static final StoredOutcome DONE = new StoredOutcome(Kind.DONE, "", EMPTY);
  private static final StoredOutcome NULL_RESULT = new StoredOutcome(Kind.NULL_RESULT, "", EMPTY);

  private final Kind kind;
  private final String detail;
  private final byte[] payload;

  private StoredOutcome(Kind kind, String detail, byte[] payload) {
    this.kind = kind;
    this.detail = detail;
    this.payload = payload;
  }

  /**
   * Success of an operation that keeps no answer.
   *
   * @return the outcome
   */
  public static StoredOutcome done() {
    return DONE;
  }

  /**
   * Success with an encoded result.
   *
   * @param payload the encoded result; not copied, so the caller gives it away
   * @return the outcome
   */
  public static StoredOutcome result(byte[] payload) {
    return new StoredOutcome(Kind.RESULT, "", payload);
  }

  /**
   * Success with {@code null}.
   *
   * @return the outcome
   */
  public static StoredOutcome nullResult() {
    return NULL_RESULT;
  }

  /**
   * A failure that is to be repeated to later callers.
   *
   * @param name the failure's stable name, as its operation declares it
   * @param payload the encoded failure; not copied, so the caller gives it away
   * @return the outcome
   * @throws IllegalArgumentException if the name is longer than 65535 bytes of UTF-8
   */
  public static StoredOutcome failure(String name, byte[] payload) {
    return new StoredOutcome(Kind.FAILURE, checked(name), payload);
  }

  /**
   * Success whose answer is not kept.
   *
   * @param reason why, for the operator and the caller
   * @return the outcome
   * @throws IllegalArgumentException if the reason is longer than 65535 bytes of UTF-8
   */
  public static StoredOutcome notStored(String reason) {
    return new StoredOutcome(Kind.NOT_STORED, checked(reason), EMPTY);
  }

  private static String checked(String detail) {
    int length = detail.getBytes(StandardCharsets.UTF_8).length;
    if (length > MAX_DETAIL_BYTES) {
      throw new IllegalArgumentException(
          "The detail of an outcome has at most " + MAX_DETAIL_BYTES + " bytes, found " + length);
    }
    return detail;
  }

  /**
   * Reads an outcome back.
   *
   * @param bytes what {@link #toBytes()} gave, now or in an earlier version
   * @return the outcome
   * @throws IllegalArgumentException if the bytes are no outcome, or one of a later format
   */
  public static StoredOutcome fromBytes(byte[] bytes) {
    if (bytes.length < HEADER_BYTES) {
      throw new IllegalArgumentException(
          "A stored outcome has at least 4 bytes, found " + bytes.length);
    }
    if (bytes[0] != FORMAT) {
      throw new IllegalArgumentException(
          "Stored outcome of format "
              + bytes[0]
              + ", this version reads format "
              + FORMAT
              + ": written by a later version? Upgrade every node before the format changes");
    }
    int detailLength = ByteBuffer.wrap(bytes).getShort(2) & 0xFFFF;
    Kind kind = Kind.of(bytes[1]);
    if (kind == null || HEADER_BYTES + detailLength > bytes.length) {
      throw new IllegalArgumentException("Stored outcome is damaged: its header does not fit");
    }
    String detail = new String(bytes, HEADER_BYTES, detailLength, StandardCharsets.UTF_8);
    byte[] payload = Arrays.copyOfRange(bytes, HEADER_BYTES + detailLength, bytes.length);
    return new StoredOutcome(kind, detail, payload);
  }

  /**
   * The outcome in its stored form.
   *
   * @return a new array
   */
  public byte[] toBytes() {
    byte[] detailBytes = detail.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(HEADER_BYTES + detailBytes.length + payload.length)
        .put(FORMAT)
        .put(kind.code)
        .putShort((short) detailBytes.length)
        .put(detailBytes)
        .put(payload)
        .array();
  }

  /**
   * What kind of outcome this is.
   *
   * @return the kind
   */
  public Kind kind() {
    return kind;
  }

  /**
   * The failure's name or the reason why nothing is stored.
   *
   * @return the detail, empty for other kinds
   */
  public String detail() {
    return detail;
  }

  /**
   * The encoded result or failure.
   *
   * @return a view that must not be changed, empty for kinds without one
   */
  public byte[] payload() {
    return payload;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StoredOutcome that
        && kind == that.kind
        && detail.equals(that.detail)
        && Arrays.equals(payload, that.payload);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * kind.hashCode() + detail.hashCode()) + Arrays.hashCode(payload);
  }

  /** The kind and sizes, never the payload. */
  @Override
  public String toString() {
    return "StoredOutcome[" + kind + ", " + payload.length + " bytes]";
  }
}
