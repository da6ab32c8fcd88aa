package io.idem.rabbitmq;

import com.rabbitmq.client.Delivery;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.ParkReason;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Where deliveries go that cannot be consumed. Thread-safe. */
@FunctionalInterface
public interface ParkedDeliveries {

  /**
   * Keeps a delivery for a person to look at.
   *
   * @param delivery the delivery
   * @param why why it cannot be consumed
   * @return what the broker is to be told
   * @throws IOException if it could not be kept; it is then tried again
   */
  Settlement park(Delivery delivery, Why why) throws IOException;

  /**
   * Leaves it to the queue's dead-letter exchange. The queue must have one, by its argument {@code
   * x-dead-letter-exchange} or a policy: the broker drops what is rejected on a queue without. The
   * reason is not told; {@link #publishedTo} tells it.
   *
   * @return where deliveries go
   */
  static ParkedDeliveries deadLettered() {
    return (delivery, why) -> Settlement.REJECT;
  }

  /**
   * Publishes a copy with the reason in its headers, waits until the broker has it, and then
   * acknowledges. Needs nothing of the queue, and loses nothing where dead-lettering might.
   *
   * @param copies publishes it
   * @param exchange the exchange, which must have a queue for the routing key; empty for the
   *     default exchange, where the routing key is the name of a queue
   * @param routingKey the routing key
   * @return where deliveries go; a consumer of that queue itself refuses it
   */
  static ParkedDeliveries publishedTo(DeliveryCopies copies, String exchange, String routingKey) {
    return new PublishedTo(copies, exchange, routingKey);
  }

  /** What the broker is told of a parked delivery. */
  enum Settlement {
    /** It is kept: acknowledge it. */
    ACKNOWLEDGE,
    /** Reject it without a requeue, so that the queue's dead-letter exchange takes it. */
    REJECT
  }

  /**
   * Why a delivery is parked: what the inbox has found, or a handler that failed too often.
   *
   * @param reason what the inbox has found; null if the handler failed
   * @param detail why, in words, without anything of the message
   * @param cause what was thrown; null if nothing
   */
  record Why(@Nullable ParkReason reason, String detail, @Nullable Exception cause) {

    /**
     * What the inbox has found.
     *
     * @param park its decision
     * @return why
     */
    public static Why of(DeliveryDecision.Park park) {
      return new Why(park.reason(), park.detail(), park.cause());
    }
  }
}
