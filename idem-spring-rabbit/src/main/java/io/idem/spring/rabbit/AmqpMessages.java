package io.idem.spring.rabbit;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.LongString;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageReader;
import io.idem.rabbitmq.DeliveryCopies;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageDeliveryMode;
import org.springframework.amqp.core.MessagePostProcessor;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.rabbit.support.DefaultMessagePropertiesConverter;

/** Spring AMQP's messages: how they are read, and how they are given an id. */
public final class AmqpMessages {

  private static final DefaultMessagePropertiesConverter PROPERTIES =
      new DefaultMessagePropertiesConverter();

  private static final MessageReader<Message> READER =
      new MessageReader<>() {
        @Override
        public @Nullable Object header(Message message, String name) {
          Object value = message.getMessageProperties().getHeaders().get(name);
          return value instanceof LongString text ? text.toString() : value; // of over 1024 bytes
        }

        @Override
        public @Nullable String messageId(Message message) {
          return message.getMessageProperties().getMessageId();
        }

        @Override
        public byte[] payload(Message message) {
          return message.getBody();
        }
      };

  private AmqpMessages() {}

  /**
   * How messages are read: the message id is the property of that name, and never the delivery tag.
   *
   * @return the reader; thread-safe
   */
  public static MessageReader<Message> reader() {
    return READER;
  }

  /**
   * Starts the inbox of a queue, with an operation of its own.
   *
   * @param engine the engine
   * @param operation the operation's name; 1 to 200 characters
   * @param queue the queue that is consumed: each queue consumes a message once
   * @return a builder
   */
  public static Inbox.Builder<Message> inbox(Idempotency engine, String operation, String queue) {
    return Inbox.<Message>builder(engine, operation, READER).consumerGroup(queue);
  }

  /**
   * Starts the inbox of a queue, on an operation that is there.
   *
   * @param operation the operation
   * @param queue the queue that is consumed
   * @return a builder
   */
  public static Inbox.Builder<Message> inbox(Operation<@Nullable Void> operation, String queue) {
    return Inbox.<Message>builder(operation, READER).consumerGroup(queue);
  }

  /**
   * Gives a message that is to be sent the id that makes a resend recognisable, in the header
   * {@value MessageIds#HEADER} and as its message id.
   *
   * <pre>{@code
   * template.convertAndSend("payments", "paid", payment, AmqpMessages.stamp(id));
   * }</pre>
   *
   * @param id such as {@link MessageIds#of} derives from a business key, or {@link
   *     io.idem.core.Attempt#outgoingKey} inside of a consumer; not empty
   * @return changes the message; throws an {@link IllegalArgumentException} if it has another id
   * @throws IllegalArgumentException if the id is empty or no valid Unicode
   */
  public static MessagePostProcessor stamp(String id) {
    MessageIds.requireSendable(id);
    return message -> {
      MessageProperties properties = message.getMessageProperties();
      refuseOther(
          "header '" + MessageIds.HEADER + "'", properties.getHeaders().get(MessageIds.HEADER), id);
      refuseOther("message id", properties.getMessageId(), id);
      properties.setHeader(MessageIds.HEADER, id);
      properties.setMessageId(id);
      return message;
    };
  }

  private static void refuseOther(String place, @Nullable Object there, String id) {
    if (there != null && !there.equals(id)) {
      throw new IllegalArgumentException(
          "The message has another id as its " + place + ": a message has one");
    }
  }

  /** The message as the client has delivered it. */
  static Delivery delivery(Message message) {
    MessageProperties properties = message.getMessageProperties();
    BasicProperties.Builder published =
        PROPERTIES.fromMessageProperties(properties, StandardCharsets.UTF_8.name()).builder();
    MessageDeliveryMode mode = properties.getReceivedDeliveryMode(); // Spring sends with another
    if (mode != null) {
      published.deliveryMode(MessageDeliveryMode.toInt(mode));
    }
    return new Delivery(
        new Envelope(
            properties.getDeliveryTag(),
            Boolean.TRUE.equals(properties.isRedelivered()),
            orEmpty(properties.getReceivedExchange()),
            orEmpty(properties.getReceivedRoutingKey())),
        published.build(),
        message.getBody());
  }

  /** A copy from the end of the queue names where the original was published. */
  static void restore(Message message) {
    MessageProperties properties = message.getMessageProperties();
    Object exchange = properties.getHeaders().get(DeliveryCopies.EXCHANGE_HEADER);
    Object routingKey = properties.getHeaders().get(DeliveryCopies.ROUTING_KEY_HEADER);
    if (exchange != null && routingKey != null) {
      properties.setReceivedExchange(exchange.toString());
      properties.setReceivedRoutingKey(routingKey.toString());
    }
  }

  private static String orEmpty(@Nullable String text) {
    return text == null ? "" : text;
  }
}
