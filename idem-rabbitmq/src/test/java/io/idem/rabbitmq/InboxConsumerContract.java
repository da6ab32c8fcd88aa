package io.idem.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.GetResponse;
import io.idem.core.Idempotency;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.ParkReason;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each message has one effect and none is lost, with the plain client on a broker. */
abstract class InboxConsumerContract {

  static final MessageHandler<Delivery, SQLException> BOOK =
      (delivery, attempt) -> Effects.book(text(delivery.getBody()), attempt);

  private final List<AutoCloseable> open = new ArrayList<>();
  private Broker broker;
  Effects effects;
  Connection connection;
  Channel channel;

  abstract Broker broker() throws Exception;

  abstract DataSource newDatabase();

  @BeforeEach
  void open() throws Exception {
    broker = broker();
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = opened(new Effects(dataSource, JdbcTransactionalStore::new));
    connection = opened(broker.connect());
    channel = connection.createChannel();
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  @Test
  void duplicatesOfTheProducerHaveOneEffect() throws Exception {
    String queue = queue();
    for (int i = 0; i < 20; i++) {
      send(queue, "id" + i, "m" + i);
      send(queue, "id" + i / 2, "m" + i / 2);
    }

    node(queue, BOOK).consume(queue);

    Together.awaitChecked(
        "the effects of twenty messages", () -> effects.all().size() == 20 && isDrained(queue));
    assertThat(effects.all())
        .containsExactlyElementsOf(IntStream.range(0, 20).mapToObj(i -> "m" + i).toList());
  }

  @Test
  void aCrashBetweenEffectAndAcknowledgementIsARepeat() throws Exception {
    String queue = queue();
    for (int i = 0; i < 10; i++) {
      send(queue, "id" + i, "m" + i);
    }
    Connection dying = broker.connect();
    Channel last = dying.createChannel();
    last.basicQos(5);
    Inbox<Delivery> inbox = inbox(queue);
    CountDownLatch consumed = new CountDownLatch(5);
    last.basicConsume(
        queue,
        false,
        (tag, delivery) -> {
          try {
            inbox.consume(delivery, BOOK);
            consumed.countDown();
          } catch (SQLException e) {
            throw new AssertionError(e);
          }
        },
        tag -> {});
    Together.await(consumed);
    dying.abort();
    assertThat(effects.all()).hasSize(5);

    node(queue, BOOK).consume(queue);

    Together.awaitChecked(
        "the effects of ten messages", () -> effects.all().size() == 10 && isDrained(queue));
    assertThat(effects.all()).doesNotHaveDuplicates();
  }

  @Test
  void poisonIsParkedAndTheRestIsConsumed() throws Exception {
    String queue = queue();
    String parking = queue();
    send(queue, "1", "a");
    send(queue, null, "no key");
    send(queue, "1", "another under the same key");
    send(queue, "2", "bad");
    send(queue, "3", "c");
    AtomicInteger failures = new AtomicInteger();

    try (Logged log = new Logged()) {
      new InboxConsumer(
              newChannel(),
              inbox(queue),
              (delivery, attempt) -> {
                BOOK.handle(delivery, attempt);
                if (text(delivery.getBody()).equals("bad")) {
                  failures.incrementAndGet();
                  throw new SQLException("bad");
                }
              },
              ParkedDeliveries.publishedTo(new DeliveryCopies(connection), "", parking))
          .onFailure(3, Duration.ofMillis(20))
          .consume(queue);

      Together.awaitChecked(
          "three parked messages", () -> channel.messageCount(parking) == 3 && isDrained(queue));
      Together.await("a word about each", () -> log.parked(queue).size() >= 3); // then acknowledged
      assertThat(log.parked(queue))
          .hasSize(3)
          .allMatch(told -> told.startsWith("Message with tag ") && told.contains("is parked: "))
          .anyMatch(told -> told.endsWith(" (NO_KEY)"))
          .anyMatch(told -> told.endsWith(" (KEY_REUSED)"))
          .anyMatch(told -> told.endsWith(": Its handler failed 3 times"));
    }
    assertThat(effects.all()).containsExactly("a", "c");
    assertThat(failures).hasValue(3);
    assertThat(List.of(parked(parking), parked(parking), parked(parking)))
        .containsExactlyInAnyOrder(
            "no key " + ParkReason.NO_KEY,
            "another under the same key " + ParkReason.KEY_REUSED,
            "bad " + DeliveryCopies.HANDLER_FAILED);
  }

  @Test
  void whatCannotBeParkedIsHeldUntilItCan() throws Exception {
    String queue = queue();
    String parking = "parking-of-" + queue;
    send(queue, null, "no key");
    send(queue, "1", "a");

    new InboxConsumer(
            newChannel(),
            inbox(queue),
            BOOK,
            ParkedDeliveries.publishedTo(new DeliveryCopies(connection), "", parking))
        .onFailure(1, Duration.ofMillis(20))
        .consume(queue);
    Together.awaitChecked("the effect of what has a key", () -> effects.all().equals(List.of("a")));
    channel.queueDeclare(parking, true, false, false, Map.of());

    Together.awaitChecked("the parked message", () -> channel.messageCount(parking) == 1);
    assertThat(parked(parking)).isEqualTo("no key " + ParkReason.NO_KEY);
  }

  /** A delivery that is held for longer than the broker's consumer_timeout costs the channel. */
  @Test
  void whatCannotBeParkedIsNotHeldForLongerThanOthers() throws Exception {
    String queue = queue();
    send(queue, null, "no key");
    Set<Long> deliveries = ConcurrentHashMap.newKeySet();

    new InboxConsumer(
            newChannel(),
            inbox(queue),
            BOOK,
            (delivery, why) -> {
              deliveries.add(delivery.getEnvelope().getDeliveryTag());
              throw new IOException("no place to park");
            })
        .holdAtMost(Duration.ofMillis(20))
        .onFailure(1, Duration.ofMillis(10))
        .consume(queue);

    Together.await("copies of the delivery", () -> deliveries.size() > 2);
  }

  @Test
  void aQueueIsNoPlaceToParkWhatComesFromItself() throws Exception {
    String queue = queue();
    InboxConsumer inboxed =
        new InboxConsumer(
            newChannel(),
            inbox(queue),
            BOOK,
            ParkedDeliveries.publishedTo(new DeliveryCopies(connection), "", queue));

    assertThatThrownBy(() -> inboxed.consume(queue))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("parked in queue '" + queue + "' itself");
  }

  @Test
  void aClosedEngineIsNoFailureOfTheHandler() throws Exception {
    String queue = queue();
    Idempotency closing = Idempotency.inMemory();
    Inbox<Delivery> inbox = RabbitMessages.inbox(closing, "book", queue).build();
    closing.close();
    CountDownLatch asked = new CountDownLatch(1);
    List<String> parked = new CopyOnWriteArrayList<>();
    Channel consuming = newChannel();
    new InboxConsumer(
            consuming,
            inbox,
            BOOK,
            (delivery, why) -> {
              parked.add(why.detail());
              asked.countDown();
              return ParkedDeliveries.Settlement.REJECT;
            })
        .onFailure(1, Duration.ofMillis(1))
        .consume(queue);
    send(queue, "1", "a");

    assertThat(asked.await(2, TimeUnit.SECONDS)).as("parked: %s", parked).isFalse();
    consuming.abort();
    node(queue, BOOK).consume(queue);
    Together.awaitChecked("the effect", () -> effects.all().equals(List.of("a")));
  }

  @Test
  void aBusyDuplicateWaitsWhileOthersGoOn() throws Exception {
    String queue = queue();
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    send(queue, "1", "a");
    InboxConsumer first =
        node(
            queue,
            (delivery, attempt) -> {
              BOOK.handle(delivery, attempt);
              running.countDown();
              Together.await(end);
            });
    String tag = first.consume(queue);
    Together.await(running);
    first.getChannel().basicCancel(tag); // takes no more, and goes on with what it has
    send(queue, "1", "a");
    send(queue, "2", "behind");

    node(queue, BOOK).onFailure(1, Duration.ZERO).consume(queue); // a failure would park

    Together.awaitChecked("the effect of what is behind", () -> effects.all().contains("behind"));
    end.countDown();
    Together.awaitChecked("both effects", () -> effects.all().size() == 2);
    assertThat(effects.all()).containsExactlyInAnyOrder("a", "behind");
  }

  @Test
  void whatWasHeldForLongEnoughComesAgainAsACopy() throws Exception {
    String queue = queue();
    busyForLongerThanItIsHeld(queue, newCount());
    assertThat(effects.all()).containsExactly("a");
    Together.awaitChecked("the copies to be consumed", () -> isDrained(queue));
  }

  /** A duplicate of a message that another node is in the middle of, put back again and again. */
  void busyForLongerThanItIsHeld(String queue, AtomicInteger deliveries) throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    send(queue, "1", "a");
    InboxConsumer first =
        node(
            queue,
            (delivery, attempt) -> {
              BOOK.handle(delivery, attempt);
              running.countDown();
              Together.await(end);
            });
    String tag = first.consume(queue);
    Together.await(running);
    first.getChannel().basicCancel(tag);
    send(queue, "1", "a");
    Inbox<Delivery> counting =
        RabbitMessages.inbox(effects.engine(), "book", queue)
            .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
            .comparing(
                delivery -> {
                  deliveries.incrementAndGet();
                  assertThat(delivery.getEnvelope().getExchange()).isEmpty();
                  return Inbox.fingerprintOf(delivery.getBody());
                })
            .build();
    new InboxConsumer(newChannel(), counting, BOOK, ParkedDeliveries.deadLettered())
        .holdAtMost(Duration.ofNanos(1))
        .consume(queue);

    Together.awaitChecked("deliveries of what is busy", () -> deliveries.get() > 6);
    end.countDown();
    Together.awaitChecked("the effect", () -> effects.all().size() == 1);
  }

  static AtomicInteger newCount() {
    return new AtomicInteger();
  }

  private <T extends AutoCloseable> T opened(T resource) {
    open.add(resource);
    return resource;
  }

  String queue() throws Exception {
    return broker.queue(channel, Map.of());
  }

  String quorumQueue(int deliveryLimit) throws Exception {
    return broker.quorumQueue(channel, deliveryLimit);
  }

  void send(String queue, String id, String body) throws Exception {
    Broker.send(channel, queue, id, body);
  }

  /** Each on a connection of its own, as another process has it. */
  Channel newChannel() throws Exception {
    Channel channel = opened(broker.connect()).createChannel();
    channel.basicQos(5);
    return channel;
  }

  InboxConsumer node(String queue, MessageHandler<? super Delivery, ?> handler) throws Exception {
    return new InboxConsumer(newChannel(), inbox(queue), handler, ParkedDeliveries.deadLettered());
  }

  Inbox<Delivery> inbox(String queue) throws SQLException {
    return RabbitMessages.inbox(effects.engine(), "book", queue)
        .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
        .build();
  }

  /** Whether no message is ready. Those that are not acknowledged do not count. */
  boolean isDrained(String queue) throws Exception {
    return channel.messageCount(queue) == 0;
  }

  private String parked(String queue) throws Exception {
    GetResponse response = channel.basicGet(queue, true);
    return text(response.getBody())
        + " "
        + response.getProps().getHeaders().get(DeliveryCopies.REASON_HEADER);
  }

  static String text(byte[] body) {
    return new String(body, StandardCharsets.UTF_8);
  }
}
