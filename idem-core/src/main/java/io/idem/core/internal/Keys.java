package io.idem.core.internal;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.Lease;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Turns scoped keys into fixed-length ids.
 *
 * <p>The id is the first 128 bits of the SHA-256 digest of the length-prefixed parts. If the key is
 * a UUIDv7 or a ULID, whose first 48 bits are milliseconds, the first 32 bits of the id are
 * replaced by the first 32 of those, so that keys of the same minute lie together in an index while
 * 96 bits still digest the whole tuple.
 */
public final class Keys {

  private static final int UUID_LENGTH = 36;
  private static final int UUID_VERSION_INDEX = 14;
  private static final int ULID_LENGTH = 26;
  private static final int ULID_TIME_LENGTH = 10;
  private static final String CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

  private Keys() {}

  static RecordId id(String namespace, String operation, IdempotentRequest request) {
    return id(request, digest(namespace, operation, request.source(), request.key()));
  }

  /**
   * The id of a key that several operations share. No operation has an empty name, so no key of a
   * space can be an operation's own.
   */
  static RecordId sharedId(String namespace, String keySpace, IdempotentRequest request) {
    return id(request, digest(namespace, "", keySpace, request.source(), request.key()));
  }

  private static RecordId id(IdempotentRequest request, byte[] digest) {
    long high = longAt(digest, 0);
    long millis = embeddedMillis(request.key());
    if (millis >= 0) {
      high = ((millis >>> 16) << 32) | (high & 0xFFFF_FFFFL);
    }
    return new RecordId(high, longAt(digest, 8));
  }

  /**
   * The id of the record that the steps of a key's operation belong to. Three empty parts in the
   * place of one: no key of an operation or of a space has as many parts.
   */
  static RecordId journalId(
      String namespace, String operation, @Nullable String keySpace, IdempotentRequest request) {
    return id(
        request,
        digest(
            namespace,
            "",
            "",
            keySpace == null ? "" : keySpace,
            operation,
            request.source(),
            request.key()));
  }

  /**
   * The id of a step's record.
   *
   * @param journal the record that the step belongs to, and whoever opened it
   */
  static RecordId stepId(Lease journal, IdempotentRequest request, String step) {
    OwnerToken opened = journal.token();
    RecordId id = journal.id();
    return id(
        request,
        digest(
            "",
            "",
            "",
            Long.toHexString(id.high()),
            Long.toHexString(id.low()),
            Long.toHexString(opened.high()),
            Long.toHexString(opened.low()),
            step));
  }

  /** A version 8 UUID (RFC 9562: custom) over the scoped key and a step. */
  static UUID outgoing(String namespace, String operation, IdempotentRequest request, String step) {
    byte[] digest = digest(namespace, operation, request.source(), request.key(), step);
    long high = (longAt(digest, 0) & ~0xF000L) | 0x8000L;
    long low = (longAt(digest, 8) & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L;
    return new UUID(high, low);
  }

  /**
   * What tells a request from the others of a key that several operations share. It is never {@link
   * Fingerprint#NONE}, which would be taken for a repeat of whatever another operation did.
   */
  static Fingerprint sharedFingerprint(String operation, IdempotentRequest request) {
    return Fingerprint.of(
        List.of(operation.getBytes(StandardCharsets.UTF_8), request.fingerprint().toBytes()));
  }

  private static byte[] digest(String... parts) {
    int most = 0;
    for (String part : parts) {
      most += Integer.BYTES + part.length();
    }
    // One array: a digest is slow to take single bytes.
    byte[] prefixed = new byte[most];
    int length = 0;
    for (String part : parts) {
      int end = length + Integer.BYTES;
      if (!isAscii(part)) {
        byte[] encoded = part.getBytes(StandardCharsets.UTF_8);
        prefixed = Arrays.copyOf(prefixed, prefixed.length + encoded.length - part.length());
        System.arraycopy(encoded, 0, prefixed, end, encoded.length);
        end += encoded.length;
      } else {
        for (int i = 0; i < part.length(); i++) {
          prefixed[end++] = (byte) part.charAt(i);
        }
      }
      putInt(prefixed, length, end - length - Integer.BYTES);
      length = end;
    }
    MessageDigest sha256 = Digests.sha256();
    byte[] digest = sha256.digest(prefixed);
    Digests.giveBack(sha256);
    return digest;
  }

  private static boolean isAscii(String part) {
    for (int i = 0; i < part.length(); i++) {
      if (part.charAt(i) > 127) {
        return false;
      }
    }
    return true;
  }

  private static void putInt(byte[] bytes, int at, int value) {
    bytes[at] = (byte) (value >>> 24);
    bytes[at + 1] = (byte) (value >>> 16);
    bytes[at + 2] = (byte) (value >>> 8);
    bytes[at + 3] = (byte) value;
  }

  private static long longAt(byte[] bytes, int offset) {
    long value = 0;
    for (int i = 0; i < Long.BYTES; i++) {
      value = (value << 8) | (bytes[offset + i] & 0xFF);
    }
    return value;
  }

  /** The milliseconds inside a UUIDv7 or ULID, or -1 if the key is neither. */
  public static long embeddedMillis(String key) {
    return switch (key.length()) {
      case UUID_LENGTH -> uuidMillis(key);
      case ULID_LENGTH -> ulidMillis(key);
      default -> -1;
    };
  }

  private static long uuidMillis(String key) {
    if (key.charAt(UUID_VERSION_INDEX) != '7') {
      return -1;
    }
    long millis = 0;
    for (int i = 0; i < UUID_LENGTH; i++) {
      char c = key.charAt(i);
      boolean dash = i == 8 || i == 13 || i == 18 || i == 23;
      int digit = dash ? 0 : c < 128 ? Character.digit(c, 16) : -1;
      if (digit < 0 || dash != (c == '-')) {
        return -1;
      }
      if (i < UUID_VERSION_INDEX - 1 && !dash) {
        millis = (millis << 4) | digit;
      }
    }
    return millis;
  }

  private static long ulidMillis(String key) {
    if (key.charAt(0) > '7') {
      return -1; // more than 48 bits of time
    }
    long millis = 0;
    for (int i = 0; i < ULID_LENGTH; i++) {
      char c = key.charAt(i);
      int digit = c < 128 ? CROCKFORD.indexOf(Character.toUpperCase(c)) : -1;
      if (digit < 0) {
        return -1;
      }
      if (i < ULID_TIME_LENGTH) {
        millis = (millis << 5) | digit;
      }
    }
    return millis;
  }
}
