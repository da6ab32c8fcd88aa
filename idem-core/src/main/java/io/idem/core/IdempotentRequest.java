package io.idem.core;

import io.idem.core.internal.Keys;
import io.idem.core.internal.Unicode;
import io.idem.core.store.Fingerprint;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;

/**
 * A request as the engine sees it: who sends it, under which key, and what it asks for.
 *
 * <p>Immutable and thread-safe.
 *
 * @param source the caller the key is scoped to, empty where an operation has no callers to tell
 *     apart
 * @param key the idempotency key; 1 to {@value #MAX_KEY_LENGTH} characters
 * @param fingerprint the digest of what is asked for
 */
public record IdempotentRequest(String source, String key, Fingerprint fingerprint) {

  /** The most characters a key or a source may have. */
  public static final int MAX_KEY_LENGTH = 1024;

  /**
   * Checks the parts.
   *
   * @param source the caller
   * @param key the idempotency key
   * @param fingerprint the digest of what is asked for
   * @throws IllegalArgumentException if the key is empty, a part is too long, or one is not valid
   *     Unicode and so could be confused with another
   */
  public IdempotentRequest {
    checkPart("key", key);
    checkPart("source", source);
    Objects.requireNonNull(fingerprint, "fingerprint");
    if (key.isEmpty()) {
      throw new IllegalArgumentException("An idempotency key is not empty");
    }
  }

  /**
   * A request with a key and nothing to compare.
   *
   * @param key the idempotency key
   * @return the request
   * @throws IllegalArgumentException if the key is empty, too long or not valid Unicode
   */
  public static IdempotentRequest of(String key) {
    return new IdempotentRequest("", key, Fingerprint.NONE);
  }

  /**
   * The same request from a caller of its own.
   *
   * @param source the caller
   * @return a copy
   * @throws IllegalArgumentException if the source is too long or not valid Unicode
   */
  public IdempotentRequest from(String source) {
    return new IdempotentRequest(source, key, fingerprint);
  }

  /**
   * The same request with something to compare repeats by.
   *
   * @param fingerprint the digest of what is asked for
   * @return a copy
   */
  public IdempotentRequest with(Fingerprint fingerprint) {
    return new IdempotentRequest(source, key, fingerprint);
  }

  /**
   * The same request, compared by the given values.
   *
   * @param parts what counts as the request, in a fixed order
   * @return a copy
   */
  public IdempotentRequest comparing(String... parts) {
    return with(Fingerprint.of(parts));
  }

  /**
   * The time inside of the key: when it was made, by the clock of whoever made it.
   *
   * @return the time in milliseconds that a UUIDv7 (RFC 9562, section 5.7) or a ULID begins with;
   *     nothing for other keys
   */
  public Optional<Instant> keyTime() {
    long millis = Keys.embeddedMillis(key);
    return millis < 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(millis));
  }

  private static void checkPart(String name, String value) {
    int length = value.length();
    if (length > MAX_KEY_LENGTH) {
      throw new IllegalArgumentException(
          "The " + name + " has at most " + MAX_KEY_LENGTH + " characters, found " + length);
    }
    Unicode.requireWellFormed(name, value);
  }

  /** Names neither the key nor the source, which stay out of logs. */
  @Override
  public String toString() {
    return "IdempotentRequest[fingerprint=" + fingerprint + "]";
  }
}
