package io.idem.rabbitmq;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.LongString;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageReader;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** RabbitMQ's deliveries as messages: how they are read, and how they are given an id. */
public final class RabbitMessages {

  private static final MessageReader<Delivery> READER =
      new MessageReader<>() {
        @Override
        public @Nullable Object header(Delivery delivery, String name) {
          Map<String, Object> headers = delivery.getProperties().getHeaders();
          return headers == null ? null : text(headers.get(name));
        }

        @Override
        public @Nullable String messageId(Delivery delivery) {
          return delivery.getProperties().getMessageId();
        }

        @Override
        public byte[] payload(Delivery delivery) {
          return delivery.getBody();
        }
      };

  private RabbitMessages() {}

  /**
   * How deliveries are read: the message id is the property of that name, and never the delivery
   * tag, which is another one for each delivery.
   *
   * @return the reader; thread-safe
   */
  public static MessageReader<Delivery> reader() {
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
  public static Inbox.Builder<Delivery> inbox(Idempotency engine, String operation, String queue) {
    return Inbox.<Delivery>builder(engine, operation, READER).consumerGroup(queue);
  }

  /**
   * Starts the inbox of a queue, on an operation that is there.
   *
   * @param operation the operation
   * @param queue the queue that is consumed
   * @return a builder
   */
  public static Inbox.Builder<Delivery> inbox(Operation<@Nullable Void> operation, String queue) {
    return Inbox.<Delivery>builder(operation, READER).consumerGroup(queue);
  }

  /**
   * Gives a message that is to be sent the id that makes a resend recognisable, in the header
   * {@value MessageIds#HEADER} and as its message id.
   *
   * @param properties what the message would be sent with
   * @param id such as {@link MessageIds#of} derives from a business key, or {@link
   *     io.idem.core.Attempt#outgoingKey} inside of a consumer; not empty
   * @return the properties to send it with
   * @throws IllegalArgumentException if the id is empty or no valid Unicode, or the message has
   *     another one already
   */
  public static BasicProperties stamp(BasicProperties properties, String id) {
    MessageIds.requireSendable(id);
    Map<String, Object> headers = new HashMap<>();
    if (properties.getHeaders() != null) {
      headers.putAll(properties.getHeaders());
    }
    refuseOther("header '" + MessageIds.HEADER + "'", text(headers.get(MessageIds.HEADER)), id);
    refuseOther("message id", properties.getMessageId(), id);
    headers.put(MessageIds.HEADER, id);
    return properties.builder().headers(headers).messageId(id).build();
  }

  private static void refuseOther(String place, @Nullable Object there, String id) {
    if (there != null && !there.equals(id)) {
      throw new IllegalArgumentException(
          "The message has another id as its " + place + ": a message has one");
    }
  }

  private static @Nullable Object text(@Nullable Object value) {
    return value instanceof LongString text ? text.toString() : value;
  }
}
