package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.ParkReason;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each record has one effect and none is lost, with the plain consumer on a real broker. */
abstract class InboxConsumerContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final MessageHandler<ConsumerRecord<String, String>, SQLException> BOOK =
      (record, attempt) -> Effects.book(record.value(), attempt);

  private final TestKafka kafka = TestKafka.shared();
  private final String group = "g" + UUID.randomUUID();
  private final List<String> parked = new CopyOnWriteArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private Effects effects;

  abstract DataSource newDatabase();

  @BeforeEach
  void open() {
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    open.add(effects);
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  @Test
  void duplicatesOfTheProducerHaveOneEffect() throws Exception {
    String topic = kafka.topic(1);
    for (int i = 0; i < 20; i++) {
      kafka.send(topic, 0, "id" + i, "m" + i);
      kafka.send(topic, 0, "id" + i / 2, "m" + i / 2);
    }
    Node node = node(Map.of());
    node.consumer.subscribe(List.of(topic));

    until(() -> node.poll(BOOK), () -> kafka.committed(group, topic, 0) == 40);

    assertThat(effects.all())
        .containsExactlyElementsOf(IntStream.range(0, 20).mapToObj(i -> "m" + i).toList());
    assertThat(parked).isEmpty();
  }

  @Test
  void aCrashBetweenEffectAndCommitIsARepeat() throws Exception {
    String topic = kafka.topic(1);
    for (int i = 0; i < 10; i++) {
      kafka.send(topic, 0, "id" + i, "m" + i);
    }
    try (KafkaConsumer<String, String> dying = kafka.consumer(group, Map.of())) {
      dying.assign(Set.of(new TopicPartition(topic, 0)));
      List<ConsumerRecord<String, String>> polled = new ArrayList<>();
      until(
          () -> dying.poll(Duration.ofMillis(100)).forEach(polled::add), () -> polled.size() == 10);
      assertThat(inbox().consumeEach(polled.subList(0, 7), BOOK).firstNotDone()).isEmpty();
    } // without a commit
    assertThat(kafka.committed(group, topic, 0)).isZero();

    Node node = node(Map.of());
    node.consumer.subscribe(List.of(topic));
    until(() -> node.poll(BOOK), () -> kafka.committed(group, topic, 0) == 10);

    assertThat(effects.all()).hasSize(10).doesNotHaveDuplicates();
  }

  @Test
  void poisonIsParkedInItsPlaceAndTheRestIsConsumed() throws Exception {
    String topic = kafka.topic(1);
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, null, "no key");
    kafka.send(topic, 0, "1", "another under the same key");
    kafka.send(topic, 0, "2", "bad");
    kafka.send(topic, 0, "3", "c");
    AtomicInteger failures = new AtomicInteger();
    Node node = node(Map.of());
    node.records.onFailure(3, Duration.ofMillis(10));
    node.consumer.subscribe(List.of(topic));

    until(
        () ->
            node.poll(
                (record, attempt) -> {
                  Effects.book(record.value(), attempt);
                  if (record.value().equals("bad")) {
                    failures.incrementAndGet();
                    throw new SQLException("bad");
                  }
                }),
        () -> kafka.committed(group, topic, 0) == 5);

    assertThat(effects.all()).containsExactly("a", "c");
    assertThat(failures).hasValue(3);
    assertThat(parked)
        .containsExactly("1 " + ParkReason.NO_KEY, "2 " + ParkReason.KEY_REUSED, "3 null bad");
  }

  @Test
  void whatCannotBeParkedIsReadAgain() throws Exception {
    String topic = kafka.topic(1);
    kafka.send(topic, 0, null, "no key");
    kafka.send(topic, 0, "1", "a");
    AtomicInteger tries = new AtomicInteger();
    KafkaConsumer<String, String> consumer = consumer(Map.of());
    InboxConsumer<String, String> records =
        new InboxConsumer<String, String>(
                consumer,
                inbox(),
                (record, why) -> {
                  if (tries.incrementAndGet() < 3) {
                    throw new IllegalStateException("the dead-letter topic is down");
                  }
                  parked.add(record.value());
                })
            .onFailure(10, Duration.ofMillis(10));
    consumer.subscribe(List.of(topic));

    until(
        () -> records.pollEach(Duration.ofMillis(100), BOOK),
        () -> kafka.committed(group, topic, 0) == 2);

    assertThat(parked).containsExactly("no key");
    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void aConsumerThatCannotGoBackHidesNoFailure() throws Exception {
    String topic = kafka.topic(1);
    kafka.send(topic, 0, "1", "a");
    Node closing = node(Map.of());
    closing.consumer.assign(Set.of(new TopicPartition(topic, 0)));

    assertThatThrownBy(
            () ->
                until(
                    () ->
                        closing.poll(
                            (record, attempt) -> {
                              closing.consumer.close();
                              throw new LinkageError("the cause");
                            }),
                    () -> false))
        .isInstanceOf(LinkageError.class)
        .hasMessage("the cause")
        .satisfies(
            thrown ->
                assertThat(thrown.getSuppressed())
                    .singleElement()
                    .satisfies(
                        hidden -> assertThat(hidden).hasMessageContaining("already been closed")));
    assertThat(effects.all()).isEmpty();
  }

  @Test
  void aBusyDuplicateWaitsWithoutSpendingItsFailures() throws Exception {
    String topic = kafka.topic(2);
    kafka.send(topic, 0, "1", "a");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Node first = node(Map.of());
    first.consumer.assign(Set.of(new TopicPartition(topic, 0)));
    CompletableFuture<Void> busy =
        async(
            () ->
                until(
                    () ->
                        first.poll(
                            (record, attempt) -> {
                              Effects.book(record.value(), attempt);
                              running.countDown();
                              Together.await(end);
                            }),
                    () -> kafka.committed(group, topic, 0) == 1));
    Together.await(running);
    kafka.send(topic, 1, "0", "before");
    kafka.send(topic, 1, "1", "a");
    kafka.send(topic, 1, "2", "behind");
    Node second = node(Map.of());
    second.records.onFailure(1, Duration.ZERO); // the first failure would park
    second.consumer.assign(Set.of(new TopicPartition(topic, 1)));

    until(
        () -> second.poll(BOOK), () -> kafka.committed(group, topic, 1) == 1 && effects.busy() > 5);
    assertThat(kafka.committed(group, topic, 1)).isEqualTo(1);
    end.countDown();
    busy.get(60, TimeUnit.SECONDS);
    until(() -> second.poll(BOOK), () -> kafka.committed(group, topic, 1) == 3);

    assertThat(effects.all()).containsExactlyInAnyOrder("a", "before", "behind");
    assertThat(parked).isEmpty();
  }

  @Test
  void aRebalanceInTheMiddleOfABatchLosesAndRepeatsNothing() throws Exception {
    String topic = kafka.topic(2);
    for (int i = 0; i < 10; i++) {
      kafka.send(topic, i % 2, "id" + i, "m" + i);
    }
    Map<String, Object> impatient =
        Map.of(
            "max.poll.interval.ms",
            1_000,
            "session.timeout.ms",
            1_000,
            "heartbeat.interval.ms",
            200);
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Node evicted = node(impatient);
    evicted.consumer.subscribe(List.of(topic));
    Set<String> held = ConcurrentHashMap.newKeySet();
    CompletableFuture<Void> batch =
        async(
            () -> {
              while (held.isEmpty()) {
                evicted.poll(
                    (record, attempt) -> {
                      Effects.book(record.value(), attempt);
                      if (held.add(record.value()) && held.size() == 3) {
                        running.countDown();
                        Together.await(end);
                      }
                    });
              }
            });
    Together.await(running);
    Node heir = node(Map.of());
    heir.consumer.subscribe(List.of(topic));

    until(() -> heir.poll(BOOK), () -> heir.consumer.assignment().size() == 2);
    for (int i = 0; i < 5; i++) {
      heir.poll(BOOK); // meets what the other is in the middle of
    }
    end.countDown();
    batch.get(60, TimeUnit.SECONDS);
    until(
        () -> heir.poll(BOOK),
        () -> kafka.committed(group, topic, 0) == 5 && kafka.committed(group, topic, 1) == 5);

    assertThat(effects.all()).hasSize(10).doesNotHaveDuplicates();
    assertThat(parked).isEmpty();
  }

  private static <T> CompletableFuture<T> async(Callable<T> work) {
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return work.call();
          } catch (Exception e) {
            throw new AssertionError(e);
          }
        });
  }

  private static CompletableFuture<Void> async(Work work) {
    return async(
        () -> {
          work.run();
          return null;
        });
  }

  private static void until(Work work, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
      work.run();
    }
  }

  private Inbox<ConsumerRecord<String, String>> inbox() {
    return KafkaMessages.<String, String>inbox(effects.engine(), "book", group)
        .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
        .build();
  }

  private KafkaConsumer<String, String> consumer(Map<String, Object> settings) {
    KafkaConsumer<String, String> consumer = kafka.consumer(group, settings);
    open.add(consumer);
    return consumer;
  }

  private Node node(Map<String, Object> settings) {
    KafkaConsumer<String, String> consumer = consumer(settings);
    return new Node(
        consumer,
        new InboxConsumer<>(
            consumer,
            inbox(),
            (record, why) ->
                parked.add(
                    record.offset()
                        + " "
                        + why.reason()
                        + (why.cause() == null ? "" : " " + why.cause().getMessage()))));
  }

  /** A consumer with its inbox. */
  private record Node(
      KafkaConsumer<String, String> consumer, InboxConsumer<String, String> records) {

    <X extends Exception> void poll(MessageHandler<ConsumerRecord<String, String>, X> handler)
        throws X {
      records.pollEach(Duration.ofMillis(50), handler);
    }
  }

  /** What may fail. */
  private interface Work {
    void run() throws Exception;
  }
}
