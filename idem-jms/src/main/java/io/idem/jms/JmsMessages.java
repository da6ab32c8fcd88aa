package io.idem.jms;

import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.messaging.MessageReader;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.JMSRuntimeException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.ObjectMessage;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import org.jspecify.annotations.Nullable;

/**
 * Messages of JMS as an inbox sees them: how they are read, and how they are given an id.
 *
 * <p>The name of a JMS property is a Java identifier (Jakarta Messaging 3.1, section 3.5.1), so the
 * header {@value MessageIds#HEADER} is the property {@value #KEY_PROPERTY}. {@code JMSMessageID} is
 * no key: the provider makes another one each time a message is sent.
 */
public final class JmsMessages {

  /** The property that carries the id of a message, unless an application says otherwise. */
  public static final String KEY_PROPERTY = "idempotency_key";

  /**
   * The property by which Artemis recognises a message that is sent twice to one address, see
   * {@link #stampForArtemis}.
   */
  public static final String ARTEMIS_DUPLICATE_ID = "_AMQ_DUPL_ID";

  private static final MessageReader<Message> READER =
      new MessageReader<>() {
        @Override
        public @Nullable Object header(Message message, String name) {
          return read(
              () -> {
                Object value = message.getObjectProperty(propertyName(name));
                return value == null && name.equals(ARTEMIS_DUPLICATE_ID)
                    ? message.getObjectProperty(Resending.FORMER_DUPLICATE_ID)
                    : value;
              });
        }

        @Override
        public @Nullable String messageId(Message message) {
          return null;
        }

        @Override
        public @Nullable Object payload(Message message) {
          return read(() -> body(message));
        }
      };

  private JmsMessages() {}

  /**
   * How messages are read. A header is a property, with {@code _} for each character that JMS does
   * not allow in its name. There is no message id, because JMS has no place for one that the
   * producer chooses. The payload of a text or bytes message is its body; the bodies of the other
   * kinds are not compared, and a serialized object is not read at all.
   *
   * @return the reader; thread-safe
   */
  public static MessageReader<Message> reader() {
    return READER;
  }

  /**
   * Starts the inbox of a queue or of a topic's subscription, with an operation of its own.
   *
   * @param engine the engine
   * @param operation the operation's name; 1 to 200 characters
   * @param subscription the name of the queue or of the subscription: what its consumers share
   * @return a builder
   */
  public static Inbox.Builder<Message> inbox(
      Idempotency engine, String operation, String subscription) {
    return Inbox.<Message>builder(engine, operation, READER).consumerGroup(subscription);
  }

  /**
   * Starts the inbox of a queue or of a topic's subscription, on an operation that is there.
   *
   * @param operation the operation
   * @param subscription the name of the queue or of the subscription: what its consumers share
   * @return a builder
   */
  public static Inbox.Builder<Message> inbox(
      Operation<@Nullable Void> operation, String subscription) {
    return Inbox.<Message>builder(operation, READER).consumerGroup(subscription);
  }

  /**
   * The key is the {@code JMSCorrelationID}, for producers that put a stable id of the message
   * there. Not for answers, which all carry the id of what they answer.
   *
   * @return the place
   */
  public static MessageKey<Message> correlationId() {
    return message -> {
      String id = read(message::getJMSCorrelationID);
      return id == null || id.isBlank()
          ? new KeyLookup.Absent("JMSCorrelationID")
          : new KeyLookup.Found(id);
    };
  }

  /**
   * Gives a message that is to be sent the id that makes a resend recognisable, in the property
   * {@value #KEY_PROPERTY}.
   *
   * @param message the message, which is changed
   * @param id such as {@link MessageIds#of} derives from a business key, or {@link
   *     io.idem.core.Attempt#outgoingKey} inside of a consumer; not empty
   * @param <M> the kind of message
   * @return the message
   * @throws IllegalArgumentException if the id is empty or no valid Unicode, or the message has
   *     another one already
   * @throws JMSException if the property cannot be set
   */
  public static <M extends Message> M stamp(M message, String id) throws JMSException {
    stamp(message, KEY_PROPERTY, id);
    return message;
  }

  /**
   * As {@link #stamp}, and with the same id in {@value #ARTEMIS_DUPLICATE_ID}, by which Artemis
   * drops a second message of this id to the same address while it remembers the first (20000 ids
   * for each address, unless the server says otherwise). In a transacted session the server refuses
   * the whole transaction in place of dropping the message. What the server has forgotten, and what
   * is delivered twice, is the inbox's to recognise.
   *
   * @param message the message, which is changed
   * @param id the id; not empty
   * @param <M> the kind of message
   * @return the message
   * @throws IllegalArgumentException if the id is empty or no valid Unicode, or the message has
   *     another one already
   * @throws JMSException if a property cannot be set
   */
  public static <M extends Message> M stampForArtemis(M message, String id) throws JMSException {
    stamp(message, KEY_PROPERTY, id);
    stamp(message, ARTEMIS_DUPLICATE_ID, id);
    return message;
  }

  private static void stamp(Message message, String property, String id) throws JMSException {
    MessageIds.requireSendable(id);
    Object there = message.getObjectProperty(property);
    if (there == null) {
      message.setStringProperty(property, id);
    } else if (!there.equals(id)) {
      throw new IllegalArgumentException(
          "The message has another id in its property '" + property + "': a message has one");
    }
  }

  /**
   * The property that stands for a header.
   *
   * @param header the header's name, such as {@value MessageIds#HEADER}
   * @return the name with {@code _} for what is not allowed in a Java identifier, such as {@value
   *     #KEY_PROPERTY}
   */
  public static String propertyName(String header) {
    StringBuilder name = new StringBuilder(header.length());
    for (int i = 0; i < header.length(); i++) {
      char c = header.charAt(i);
      boolean allowed =
          i == 0 ? Character.isJavaIdentifierStart(c) : Character.isJavaIdentifierPart(c);
      name.append(allowed ? c : '_');
    }
    return name.toString();
  }

  private static @Nullable Object body(Message message) throws JMSException {
    if (message instanceof TextMessage text) {
      return text.getText();
    } else if (message instanceof BytesMessage bytes) {
      bytes.reset();
      byte[] body = new byte[Math.toIntExact(bytes.getBodyLength())];
      bytes.readBytes(body);
      bytes.reset(); // for the handler
      return body;
    }
    return message instanceof MapMessage
            || message instanceof StreamMessage
            || message instanceof ObjectMessage
        ? message
        : null;
  }

  /**
   * Lets a client that streams large bodies have the whole of one. That of Artemis drops what was
   * not read of a bytes message when its consumer receives another.
   */
  static void readWhole(Message message) throws JMSException {
    if (message instanceof BytesMessage bytes) {
      bytes.reset();
    }
  }

  private static <T> @Nullable T read(Reading<T> reading) {
    try {
      return reading.read();
    } catch (JMSException e) {
      throw new JMSRuntimeException(
          "A message cannot be read: " + e.getMessage(), e.getErrorCode(), e);
    }
  }

  /** Reads a part of a message. */
  private interface Reading<T> {
    @Nullable T read() throws JMSException;
  }
}
