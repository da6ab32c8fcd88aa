package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.MessageIds;
import io.idem.messaging.ParkReason;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.errors.InterruptException;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each record of a share group has one effect, and none is lost, on a real broker. */
class InboxShareConsumerTest {

  private static final MessageHandler<ConsumerRecord<String, String>, SQLException> BOOK =
      (record, attempt) -> Effects.book(record.value(), attempt);

  private final TestKafka kafka = TestKafka.shared();
  private final String group = "s" + UUID.randomUUID();
  private final List<String> parked = new CopyOnWriteArrayList<>();
  private final AtomicInteger polled = new AtomicInteger();
  private Effects effects;
  private ShareConsumer<String, String> consumer;
  private InboxShareConsumer<String, String> records;
  private String topic;

  @BeforeEach
  void open() throws Exception {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    topic = kafka.topic(1);
    consumer = kafka.shareConsumer(group);
    consumer.subscribe(List.of(topic));
    records =
        new InboxShareConsumer<>(
            consumer, inbox(), (record, why) -> parked.add(record.value() + " " + why.reason()));
  }

  @AfterEach
  void close() {
    consumer.close();
    effects.close();
  }

  @Test
  void duplicatesHaveOneEffectAndPoisonIsParked() throws Exception {
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, null, "no key");
    kafka.send(topic, 0, "1", "another");
    kafka.send(topic, 0, "2", "bad");
    kafka.send(topic, 0, "3", "c");

    until(
        () ->
            poll(
                (record, attempt) -> {
                  Effects.book(record.value(), attempt);
                  if (record.value().equals("bad")) {
                    throw new SQLException("bad");
                  }
                }),
        () -> parked.size() == 3);

    assertThat(effects.all()).containsExactlyInAnyOrder("a", "c");
    assertThat(parked)
        .containsExactlyInAnyOrder(
            "no key " + ParkReason.NO_KEY, "another " + ParkReason.KEY_REUSED, "bad null");
    assertThat(polled).hasValue(6 + 4); // the bad one has the 5 deliveries that the broker allows
  }

  @Test
  void aBusyRecordWaitsInTheConsumerAndSpendsNoDelivery() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Inbox<ConsumerRecord<String, String>> elsewhere = inbox();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () ->
                assertThatThrownBy(
                        () ->
                            elsewhere.consume(
                                record("1", "a"),
                                (record, attempt) -> {
                                  running.countDown();
                                  Together.await(end);
                                  throw new SQLException("given up");
                                }))
                    .isInstanceOf(SQLException.class));
    Together.await(running);
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, "2", "b");
    CompletableFuture<Void> ended =
        CompletableFuture.runAsync(
            () -> {
              // Nine times busy, which is more than the deliveries that the broker allows.
              Together.await("nine busy answers", () -> effects.busy() > 8);
              end.countDown();
            });

    until(() -> poll(BOOK), () -> effects.all().size() == 2);

    ended.get(60, TimeUnit.SECONDS);
    other.get(60, TimeUnit.SECONDS);
    assertThat(effects.all()).containsExactly("b", "a");
    assertThat(parked).isEmpty();
    assertThat(polled).hasValue(2);
  }

  @Test
  void whatCannotBeParkedIsNotDroppedAtItsLastDelivery() throws Exception {
    int broken = 7; // more than the deliveries that the broker allows
    AtomicInteger tries = new AtomicInteger();
    records =
        new InboxShareConsumer<>(
            consumer,
            inbox(),
            (record, why) -> {
              if (tries.incrementAndGet() <= broken) {
                throw new IllegalStateException("the dead-letter topic is down");
              }
              parked.add(record.value());
            });
    kafka.send(topic, 0, null, "no key");

    until(() -> poll(BOOK), () -> !parked.isEmpty());

    assertThat(tries).hasValue(broken + 1);
    assertThat(parked).containsExactly("no key");
    assertThat(records.pollEach(Duration.ofMillis(200), BOOK)).isZero();
  }

  @Test
  void aThreadThatIsInterruptedWaitsForNothing() throws Exception {
    kafka.send(topic, 0, "1", "a");
    AtomicInteger asked = new AtomicInteger();
    try {
      until(
          () ->
              poll(
                  (record, attempt) -> {
                    asked.incrementAndGet();
                    Thread.currentThread().interrupt();
                    throw new StoreUnavailableException("down", null);
                  }),
          () -> asked.get() > 0);
    } catch (InterruptException e) {
      assertThat(e).hasCauseInstanceOf(InterruptedException.class);
    } finally {
      Thread.interrupted();
    }

    assertThat(asked).hasValue(1);
  }

  private <X extends Exception> void poll(
      MessageHandler<ConsumerRecord<String, String>, X> handler) {
    polled.addAndGet(records.pollEach(Duration.ofMillis(100), handler));
  }

  private Inbox<ConsumerRecord<String, String>> inbox() {
    return KafkaMessages.<String, String>inbox(effects.engine(), "book", group)
        .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
        .build();
  }

  private static ConsumerRecord<String, String> record(String id, String value) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>("any", 0, 0, null, value);
    record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    return record;
  }

  private static void until(Runnable work, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
      work.run();
    }
  }
}
