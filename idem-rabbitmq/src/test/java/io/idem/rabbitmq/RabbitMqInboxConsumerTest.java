package io.idem.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.Together;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

/** The plain client of a real RabbitMQ, with an inbox in PostgreSQL. */
class RabbitMqInboxConsumerTest extends InboxConsumerContract {

  private static final int DELIVERY_LIMIT = 2;

  @Override
  Broker broker() throws Exception {
    return Broker.rabbitMq();
  }

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }

  @Test
  void whatIsBusyIsNotDroppedByADeliveryLimit() throws Exception {
    String queue = quorumQueue(DELIVERY_LIMIT);
    AtomicInteger deliveries = newCount();

    busyForLongerThanItIsHeld(queue, deliveries);

    assertThat(deliveries.get()).isGreaterThan(DELIVERY_LIMIT + 1);
    Together.awaitChecked("the copies to be consumed", () -> isDrained(queue));
    // Not one of the copies is left, and what comes next is known.
    send(queue, "2", "b");
    Together.awaitChecked("both effects", () -> effects.all().size() == 2);
    assertThat(effects.all()).containsExactlyInAnyOrder("a", "b");
  }

  /** RabbitMQ routes a message to each routing key in its header CC, too. */
  @Test
  void aCopyReachesTheQueueThatItCameFromAlone() throws Exception {
    String queue = queue();
    String other = queue();
    BasicProperties properties =
        new BasicProperties.Builder().headers(Map.of("CC", List.of(other))).build();
    channel.basicPublish("", queue, properties, new byte[] {1});
    Together.awaitChecked("both messages", () -> channel.messageCount(other) == 1);
    GetResponse response = channel.basicGet(queue, true);
    Delivery delivery =
        new Delivery(response.getEnvelope(), response.getProps(), response.getBody());
    DeliveryCopies copies = new DeliveryCopies(connection);

    copies.toEndOf(queue, delivery);

    assertThat(channel.messageCount(queue)).isOne();
    assertThat(channel.messageCount(other)).isOne();
    assertThatThrownBy(() -> copies.toEndOf("no such queue", delivery))
        .isInstanceOf(IOException.class);
    assertThat(channel.messageCount(other)).isOne();
  }

  /** Why copies: a requeue is counted before 4.3. */
  @Test
  void requeuesAreCountedByTheServer() throws Exception {
    String version = connection.getServerProperties().get("version").toString();
    boolean isCounted = version.matches("3\\..*|4\\.[012]\\..*");
    String queue = quorumQueue(DELIVERY_LIMIT);
    send(queue, "1", "a");
    AtomicInteger deliveries = new AtomicInteger();

    Together.awaitChecked(
        "more deliveries than the limit",
        () -> {
          GetResponse response = channel.basicGet(queue, false);
          if (response != null) {
            deliveries.incrementAndGet();
            channel.basicNack(response.getEnvelope().getDeliveryTag(), false, true);
          }
          return deliveries.get() > DELIVERY_LIMIT;
        });

    Together.awaitChecked(
        "what the limit makes of it", () -> (channel.messageCount(queue) == 0) == isCounted);
  }

  @Test
  void aConsumerThatTheBrokerCancelsSaysSo() throws Exception {
    String queue = queue();
    try (Logged log = new Logged()) {
      node(queue, BOOK).consume(queue);

      channel.queueDelete(queue);

      Together.await("a word about it", () -> log.errors().size() == 1);
      assertThat(log.errors().get(0)).contains("has cancelled the consumer", queue);
    }
  }

  /** Nobody would find it: a queue that is parked in has no dead letters of its own. */
  @Test
  void aParkedMessageDoesNotExpire() throws Exception {
    String queue = queue();
    String parking = queue();
    new InboxConsumer(
            newChannel(),
            inbox(queue),
            BOOK,
            ParkedDeliveries.publishedTo(new DeliveryCopies(connection), "", parking))
        .consume(queue);
    BasicProperties properties = new BasicProperties.Builder().expiration("1000").build();
    channel.basicPublish("", queue, properties, "no key".getBytes(StandardCharsets.UTF_8));

    Together.awaitChecked("the parked message", () -> channel.messageCount(parking) == 1);
    assertThat(channel.basicGet(parking, true).getProps().getExpiration()).isNull();
  }

  @Test
  void whatIsRejectedIsDeadLettered() throws Exception {
    String dead = queue();
    Map<String, Object> arguments = new HashMap<>();
    arguments.put("x-queue-type", "quorum");
    arguments.put("x-dead-letter-exchange", "");
    arguments.put("x-dead-letter-routing-key", dead);
    String queue = Broker.rabbitMq().queue(channel, arguments);
    send(queue, null, "no key");
    send(queue, "1", "bad");
    send(queue, "2", "b");

    node(
            queue,
            (delivery, attempt) -> {
              BOOK.handle(delivery, attempt);
              if (text(delivery.getBody()).equals("bad")) {
                throw new IllegalStateException("bad");
              }
            })
        .onFailure(2, Duration.ofMillis(10))
        .consume(queue);

    Together.awaitChecked("two dead letters", () -> channel.messageCount(dead) == 2);
    Together.awaitChecked("the effect of what is not bad", () -> effects.all().size() == 1);
    assertThat(effects.all()).containsExactly("b");
  }
}
