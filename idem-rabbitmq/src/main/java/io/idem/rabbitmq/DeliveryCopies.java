package io.idem.rabbitmq;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Publishes copies of deliveries, each on a channel of its own, and waits until the broker has
 * confirmed them. What no queue takes is a failure. A crash before the delivery itself is
 * acknowledged leaves both in the broker, which the inbox makes harmless. Thread-safe.
 *
 * <p>A copy has everything of the message but its {@code user-id}, which names who publishes, the
 * header {@code CC}, by which it would reach other queues once more, and the counts that a quorum
 * queue keeps; one that is parked has no expiration either. Where it was first published stands in
 * its headers.
 */
public final class DeliveryCopies {

  /** The header of a copy that has the name of the exchange it was first published to. */
  public static final String EXCHANGE_HEADER = "idem-exchange";

  /** The header of a copy that has the routing key it was first published with. */
  public static final String ROUTING_KEY_HEADER = "idem-routing-key";

  /**
   * The header of a parked copy that has the name of a {@link io.idem.messaging.ParkReason}, or
   * {@value #HANDLER_FAILED}.
   */
  public static final String REASON_HEADER = "idem-parked-reason";

  /** The header of a parked copy that says in words why it was parked. */
  public static final String DETAIL_HEADER = "idem-parked-detail";

  /** The reason if a handler has failed as often as it may. */
  public static final String HANDLER_FAILED = "HANDLER_FAILED";

  private static final String DEFAULT_EXCHANGE = "";
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private final Supplier<Connection> connection;

  /**
   * Creates what publishes on a connection.
   *
   * @param connection open
   */
  public DeliveryCopies(Connection connection) {
    this(() -> connection);
  }

  /**
   * Creates what publishes on the connection that is there when it has to.
   *
   * @param connection answers with an open connection
   */
  public DeliveryCopies(Supplier<Connection> connection) {
    this.connection = connection;
  }

  /**
   * Puts a copy at the end of a queue. Its deliveries are counted anew.
   *
   * @param delivery the delivery
   * @param queue the queue that it came from
   * @throws IOException if the broker has not confirmed the copy
   */
  public void toEndOf(String queue, Delivery delivery) throws IOException {
    publish(DEFAULT_EXCHANGE, queue, delivery, delivery.getProperties(), headers(delivery));
  }

  void parked(Delivery delivery, ParkedDeliveries.Why why, String exchange, String routingKey)
      throws IOException {
    Map<String, Object> headers = headers(delivery);
    headers.put(REASON_HEADER, why.reason() == null ? HANDLER_FAILED : why.reason().name());
    headers.put(DETAIL_HEADER, why.detail());
    BasicProperties lasting = delivery.getProperties().builder().expiration(null).build();
    publish(exchange, routingKey, delivery, lasting, headers);
  }

  /**
   * A delivery as its producer had published it: one of a copy from the end of the queue names the
   * exchange and the routing key of the original.
   *
   * @param delivery any delivery
   * @return the delivery, the same if it is no copy
   */
  public static Delivery original(Delivery delivery) {
    Object exchange = RabbitMessages.reader().header(delivery, EXCHANGE_HEADER);
    Object routingKey = RabbitMessages.reader().header(delivery, ROUTING_KEY_HEADER);
    if (exchange == null || routingKey == null) {
      return delivery;
    }
    Envelope envelope = delivery.getEnvelope();
    return new Delivery(
        new Envelope(
            envelope.getDeliveryTag(),
            envelope.isRedeliver(),
            exchange.toString(),
            routingKey.toString()),
        delivery.getProperties(),
        delivery.getBody());
  }

  private static Map<String, Object> headers(Delivery delivery) {
    @Nullable Map<String, Object> there = delivery.getProperties().getHeaders();
    Map<String, Object> headers = there == null ? new HashMap<>() : new HashMap<>(there);
    headers.remove("x-delivery-count");
    headers.remove("x-acquired-count");
    headers.remove("CC"); // the broker would route the copy to these queues as well
    headers.remove("BCC");
    headers.putIfAbsent(EXCHANGE_HEADER, delivery.getEnvelope().getExchange());
    headers.putIfAbsent(ROUTING_KEY_HEADER, delivery.getEnvelope().getRoutingKey());
    return headers;
  }

  private void publish(
      String exchange,
      String routingKey,
      Delivery delivery,
      BasicProperties published,
      Map<String, Object> headers)
      throws IOException {
    BasicProperties properties = published.builder().headers(headers).userId(null).build();
    try (Channel channel = connection.get().createChannel()) {
      if (channel == null) {
        throw new IOException("The connection has no channel left for a copy of a delivery");
      }
      AtomicBoolean returned = new AtomicBoolean();
      channel.addReturnListener(unroutable -> returned.set(true));
      channel.confirmSelect();
      channel.basicPublish(exchange, routingKey, true, properties, delivery.getBody());
      if (!channel.waitForConfirms(PATIENCE.toMillis()) || returned.get()) {
        throw new IOException(
            "The broker did not take a copy of a delivery to exchange '"
                + exchange
                + "' with routing key '"
                + routingKey
                + "': "
                + (returned.get() ? "no queue is bound there" : "it refused it"));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("Interrupted while the broker was to confirm a copy", e);
    } catch (TimeoutException | ShutdownSignalException e) {
      throw new IOException(
          "The broker did not confirm a copy of a delivery to exchange '" + exchange + "'", e);
    }
  }
}
