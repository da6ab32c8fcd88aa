package io.idem.messaging;

import org.jspecify.annotations.Nullable;

/**
 * How the parts of a broker's message are read. Each adapter has one. Thread-safe.
 *
 * @param <M> the broker's type of a delivered message
 */
public interface MessageReader<M> {

  /**
   * A header, or what the broker calls so: an application property, a user property.
   *
   * @param message the message
   * @param name the header's name
   * @return its value as the broker has it, such as bytes, a text or a number; null if there is
   *     none; the last one where the broker allows several
   */
  @Nullable Object header(M message, String name);

  /**
   * The id that the producer gave the message, where the broker's protocol has a place for one.
   *
   * @param message the message
   * @return the id, the same for a resend by the producer as far as the producer made it so; null
   *     if there is none. Never a number that the broker gave the delivery, such as an offset: a
   *     resend has another
   */
  @Nullable String messageId(M message);

  /**
   * The payload.
   *
   * @param message the message
   * @return bytes, a text, or what a deserializer made of them; null if it has none
   */
  @Nullable Object payload(M message);
}
