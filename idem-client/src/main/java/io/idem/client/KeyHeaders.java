package io.idem.client;

import java.time.Instant;
import java.util.Map;

/** How a key is spelled in a request. Immutable and thread-safe. */
public interface KeyHeaders {

  /**
   * The header that carries the key.
   *
   * @return its name
   */
  String keyHeader();

  /**
   * The headers of a call, the same for each of its attempts.
   *
   * @param call the call
   * @param firstSent when its first attempt is, or was, sent
   * @return values by name
   */
  Map<String, String> of(OutgoingCall call, Instant firstSent);

  /**
   * {@code Idempotency-Key}, as the IETF draft, Stripe, Adyen and others have it.
   *
   * @return {@link #bare} in this header
   */
  static KeyHeaders idempotencyKey() {
    return bare("Idempotency-Key");
  }

  /**
   * The key as it is; as a quoted string (RFC 9651, section 3.3.3) if it has spaces, commas,
   * semicolons or quotes.
   *
   * @param header the header's name, for example {@code PayPal-Request-Id}
   * @return the spelling
   * @throws IllegalArgumentException if the name is none
   */
  static KeyHeaders bare(String header) {
    return new OneKeyHeader(header, false);
  }

  /**
   * Always a quoted string (RFC 9651, section 3.3.3), for servers that are strict about it.
   *
   * @param header the header's name
   * @return the spelling
   * @throws IllegalArgumentException if the name is none
   */
  static KeyHeaders quoted(String header) {
    return new OneKeyHeader(header, true);
  }

  /**
   * {@code Repeatability-Request-ID} and {@code Repeatability-First-Sent} of OASIS Repeatable
   * Requests 1.0.
   *
   * @return the spelling
   */
  static KeyHeaders repeatability() {
    return RepeatabilityKeyHeaders.INSTANCE;
  }
}
