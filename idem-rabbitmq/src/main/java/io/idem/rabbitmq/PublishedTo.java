package io.idem.rabbitmq;

import com.rabbitmq.client.Delivery;
import java.io.IOException;

/** Publishes what is parked. */
record PublishedTo(DeliveryCopies copies, String exchange, String routingKey)
    implements ParkedDeliveries {

  @Override
  public Settlement park(Delivery delivery, Why why) throws IOException {
    copies.parked(delivery, why, exchange, routingKey);
    return Settlement.ACKNOWLEDGE;
  }

  /** Whether it is in a queue by the queue's name. What is bound to an exchange nobody can ask. */
  boolean isIn(String queue) {
    return exchange.isEmpty() && routingKey.equals(queue);
  }
}
