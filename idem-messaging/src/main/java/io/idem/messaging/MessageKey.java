package io.idem.messaging;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Where the key of a message is. It is found in the message or it is not found: none is made up,
 * because a made-up key would let every redelivery run. Thread-safe.
 *
 * @param <M> the broker's type of a delivered message
 */
@FunctionalInterface
public interface MessageKey<M> {

  /**
   * Looks for the key.
   *
   * @param message the message
   * @return what was found; what this method throws counts as {@link KeyLookup.Unusable}
   */
  KeyLookup of(M message);

  /**
   * The key is in a header, as {@link MessageIds} stamps it.
   *
   * @param reader how the broker's messages are read
   * @param name the header's name
   * @param <M> the broker's type of a delivered message
   * @return the place
   */
  static <M> MessageKey<M> header(MessageReader<? super M> reader, String name) {
    String place = "header '" + name + "'";
    return message -> lookup(place, reader.header(message, name));
  }

  /**
   * The key is the message id that the producer set. Only for producers that send the same id when
   * they send again: most clients make a new one for each call.
   *
   * @param reader how the broker's messages are read
   * @param <M> the broker's type of a delivered message
   * @return the place
   */
  static <M> MessageKey<M> messageId(MessageReader<? super M> reader) {
    return message -> lookup("message id", reader.messageId(message));
  }

  /**
   * The key is in what the message says, such as an order's number. {@link MessageIds#of} joins
   * several parts without confusing them.
   *
   * @param extract finds the key; null if the message has none
   * @param <M> the broker's type of a delivered message
   * @return the place
   */
  static <M> MessageKey<M> computed(Function<? super M, ? extends @Nullable Object> extract) {
    return message -> lookup("computed key", extract.apply(message));
  }

  /**
   * This place, and another one for messages that have nothing here. Both must name messages out of
   * one set of ids: a text found here and the same text found there are one key.
   *
   * @param other where to look next
   * @return both places
   */
  default MessageKey<M> or(MessageKey<? super M> other) {
    return message -> {
      KeyLookup here = of(message);
      if (!(here instanceof KeyLookup.Absent nothingHere)) {
        return here;
      }
      KeyLookup there = other.of(message);
      return there instanceof KeyLookup.Absent nothingThere
          ? new KeyLookup.Absent(nothingHere.place() + " or " + nothingThere.place())
          : there;
    };
  }

  /**
   * Turns a value into a key: a text, bytes that are UTF-8, a number, a UUID, a character or an
   * enum constant.
   *
   * @param place where the value is from, for errors
   * @param value the value, or null
   * @return the key; {@link KeyLookup.Absent} for null and for what is blank, {@link
   *     KeyLookup.Unusable} for any other type and for bytes that are no UTF-8
   */
  static KeyLookup lookup(String place, @Nullable Object value) {
    if (value == null) {
      return new KeyLookup.Absent(place);
    }
    String text;
    if (value instanceof byte[] bytes) {
      try {
        text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      } catch (CharacterCodingException e) {
        return new KeyLookup.Unusable(place, "is no UTF-8", e);
      }
    } else if (value instanceof CharSequence
        || value instanceof Number
        || value instanceof UUID
        || value instanceof Character) {
      text = value.toString();
    } else if (value instanceof Enum<?> constant) {
      text = constant.name();
    } else {
      return new KeyLookup.Unusable(
          place, "is a " + value.getClass().getName() + ", which has no text of its own", null);
    }
    return text.isBlank() ? new KeyLookup.Absent(place) : new KeyLookup.Found(text);
  }
}
