package io.idem.rocketmq;

import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.messaging.MessageReader;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageConst;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;
import org.jspecify.annotations.Nullable;

/** RocketMQ's messages as an inbox sees them: how they are read, and how they are given an id. */
public final class RocketMqMessages {

  private static final MessageReader<MessageExt> READER =
      new MessageReader<>() {
        @Override
        public @Nullable String header(MessageExt message, String name) {
          return message.getProperty(name);
        }

        @Override
        public @Nullable String messageId(MessageExt message) {
          return message.getProperty(MessageConst.PROPERTY_UNIQ_CLIENT_MESSAGE_ID_KEYIDX);
        }

        @Override
        public byte @Nullable [] payload(MessageExt message) {
          return message.getBody();
        }
      };

  private RocketMqMessages() {}

  /**
   * How messages are read. A header is a property. The message id is {@code UNIQ_KEY}, which the
   * producer's client makes when a {@link Message} object is sent for the first time: the client's
   * own retries have the same one, and so has each redelivery, but a producer that makes the
   * message again, such as after a crash, gets another. The id of the commit log's offset is never
   * read: the broker gives a message another one whenever it writes it again, for a retry too.
   *
   * @return the reader; thread-safe
   */
  public static MessageReader<MessageExt> reader() {
    return READER;
  }

  /**
   * Starts the inbox of a consumer group, with an operation of its own. The key of a message is in
   * its property {@value MessageIds#HEADER}, else in its {@link #keys() KEYS}.
   *
   * @param engine the engine
   * @param operation the operation's name; 1 to 200 characters
   * @param consumerGroup the consumer's group
   * @return a builder
   */
  public static Inbox.Builder<MessageExt> inbox(
      Idempotency engine, String operation, String consumerGroup) {
    return ofGroup(Inbox.<MessageExt>builder(engine, operation, READER), consumerGroup);
  }

  /**
   * Starts the inbox of a consumer group, on an operation that is there. The key of a message is in
   * its property {@value MessageIds#HEADER}, else in its {@link #keys() KEYS}.
   *
   * @param operation the operation
   * @param consumerGroup the consumer's group
   * @return a builder
   */
  public static Inbox.Builder<MessageExt> inbox(
      Operation<@Nullable Void> operation, String consumerGroup) {
    return ofGroup(Inbox.<MessageExt>builder(operation, READER), consumerGroup);
  }

  private static Inbox.Builder<MessageExt> ofGroup(
      Inbox.Builder<MessageExt> inbox, String consumerGroup) {
    return inbox
        .consumerGroup(consumerGroup)
        .key(MessageKey.<MessageExt>header(READER, MessageIds.HEADER).or(keys()));
  }

  /**
   * The key is the message's one business key, {@link Message#getKeys}. A message with several has
   * no usable key, because nobody knows which of them tells it from others.
   *
   * @return the place
   */
  public static MessageKey<MessageExt> keys() {
    return message -> {
      String keys = message.getKeys();
      if (keys == null || keys.isBlank()) {
        return new KeyLookup.Absent("KEYS");
      }
      String key = keys.strip();
      return key.contains(MessageConst.KEY_SEPARATOR)
          ? new KeyLookup.Unusable("KEYS", "names several keys", null)
          : new KeyLookup.Found(key);
    };
  }

  /**
   * Gives a message that is to be sent the id that makes a resend recognisable, in the property
   * {@value MessageIds#HEADER}, and adds it to its KEYS, by which the broker finds messages.
   *
   * @param message the message, which is changed
   * @param id such as {@link MessageIds#of} derives from a business key, or {@link
   *     io.idem.core.Attempt#outgoingKey} inside of a consumer; not blank, and without spaces
   * @return the message
   * @throws IllegalArgumentException if the id is empty, no valid Unicode, or has spaces or what
   *     separates properties, or the message has another one already
   */
  public static Message stamp(Message message, String id) {
    MessageIds.requireSendable(id);
    if (id.chars().anyMatch(RocketMqMessages::separates)) {
      throw new IllegalArgumentException(
          "The id of a message has no spaces, which separate KEYS, and none of the characters 1 and"
              + " 2, which separate properties");
    }
    String there = message.getProperty(MessageIds.HEADER);
    if (there != null && !there.equals(id)) {
      throw new IllegalArgumentException(
          "The message for topic '"
              + message.getTopic()
              + "' has another id in its property '"
              + MessageIds.HEADER
              + "': a message has one");
    } else if (there == null) {
      message.putUserProperty(MessageIds.HEADER, id);
      String keys = message.getKeys();
      message.setKeys(keys == null || keys.isBlank() ? id : keys + MessageConst.KEY_SEPARATOR + id);
    }
    return message;
  }

  /** On the wire, what is behind such a character would belong to something else. */
  private static boolean separates(int c) {
    return Character.isWhitespace(c)
        || c == MessageDecoder.NAME_VALUE_SEPARATOR
        || c == MessageDecoder.PROPERTY_SEPARATOR;
  }
}
