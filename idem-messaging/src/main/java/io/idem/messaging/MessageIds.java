package io.idem.messaging;

import io.idem.core.store.Fingerprint;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.UUID;

/**
 * Stable ids for messages that a producer sends, so that a resend is recognisable.
 *
 * <p>An id is derived from what the message is about, not made for each call of the client: a
 * producer that crashes between sending and noting that it has sent, sends the same id again.
 * Inside a consumer, {@link io.idem.core.Attempt#outgoingKey(String)} derives the id of an outgoing
 * message from the incoming one and a step, the same on every redelivery.
 */
public final class MessageIds {

  /** The header that carries the id, unless an application says otherwise. */
  public static final String HEADER = "idempotency-key";

  private MessageIds() {}

  /**
   * The id of a message about something that has a business key.
   *
   * @param kind what the message says, such as {@code order-paid}: two messages about one order
   *     differ in it
   * @param businessKey the parts of the business key, such as a tenant and an order's number; at
   *     least one
   * @return a UUID of version 8 (RFC 9562) in its canonical form, over the length-prefixed parts
   * @throws IllegalArgumentException if a part is empty or there is none, so that different
   *     messages would get one id
   */
  public static String of(String kind, String... businessKey) {
    if (businessKey.length == 0) {
      throw new IllegalArgumentException(
          "The id of a message of kind '" + kind + "' needs at least one part of a business key");
    }
    String[] parts = new String[businessKey.length + 1];
    parts[0] = kind;
    System.arraycopy(businessKey, 0, parts, 1, businessKey.length);
    for (int i = 0; i < parts.length; i++) {
      if (parts[i].isEmpty()) {
        throw new IllegalArgumentException(
            "Part " + i + " of the id of a message of kind '" + kind + "' is empty");
      }
    }
    ByteBuffer digest = ByteBuffer.wrap(Fingerprint.of(parts).toBytes());
    long high = (digest.getLong() & ~0xF000L) | 0x8000L;
    long low = (digest.getLong() & 0x3FFF_FFFF_FFFF_FFFFL) | 0x8000_0000_0000_0000L;
    return new UUID(high, low).toString();
  }

  /**
   * Refuses an id that cannot be put on a message: an empty one, and one with half a surrogate
   * pair, which is a {@code ?} on the wire, so that two ids would be one.
   *
   * @param id the id
   * @return the same
   * @throws IllegalArgumentException if it is empty or no valid Unicode
   */
  public static String requireSendable(String id) {
    if (Objects.requireNonNull(id, "The id of a message is null").isEmpty()) {
      throw new IllegalArgumentException("The id of a message is not empty");
    }
    if (!StandardCharsets.UTF_8.newEncoder().canEncode(id)) {
      throw new IllegalArgumentException(
          "The id of a message has half a surrogate pair, which no encoding can tell from another");
    }
    return id;
  }
}
