package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.core.store.LogPositions;
import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcLogPositions;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageFailedException;
import io.idem.messaging.ParkReason;
import io.idem.testkit.Effects;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.Together;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Offsets in PostgreSQL: each place of a topic has its effect once, on a real broker. */
class PositionedConsumerTest {

  private static final PositionedConsumer.RecordHandler<String, String, SQLException> BOOK =
      (record, transaction) -> Effects.book(record.value(), transaction.unwrap(Connection.class));

  private static DataSource dataSource;
  private static Effects effects;

  private final TestKafka kafka = TestKafka.shared();
  private final String group = "g" + UUID.randomUUID();
  private final List<AutoCloseable> open = new ArrayList<>();
  private LogPositions positions;
  private String topic;

  @BeforeAll
  static void prepare() {
    dataSource = TestPostgres.shared().newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    JdbcLogPositions.schema(dataSource).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
  }

  @BeforeEach
  void open() throws Exception {
    effects.clear();
    positions = new JdbcLogPositions(dataSource);
    topic = kafka.topic(1);
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  @Test
  void twoPartitionsOfAFirstStartHaveTheirOrderAndTheirPositions() throws Exception {
    topic = kafka.topic(2);
    for (int i = 0; i < 20; i++) {
      kafka.send(topic, i % 2, null, "m" + i % 2 + i / 2);
    }
    Node node = node(Map.of("max.poll.records", 7));
    node.consumer.subscribe(List.of(topic));

    until(() -> node.poll(BOOK), () -> position(0) == 10 && position(1) == 10);

    for (int partition : List.of(0, 1)) {
      String prefix = "m" + partition;
      assertThat(effects.all())
          .filteredOn(effect -> effect.startsWith(prefix))
          .containsExactlyElementsOf(IntStream.range(0, 10).mapToObj(i -> prefix + i).toList());
    }
    until(
        () -> node.poll(BOOK),
        () -> kafka.committed(group, topic, 0) == 10 && kafka.committed(group, topic, 1) == 10);
    assertThat(effects.all()).hasSize(20);
  }

  @Test
  void theDatabaseDecidesWhateverKafkaHasCommitted() throws Exception {
    send("a", "b", "c");
    try (Node node = assigned(Map.of())) {
      until(() -> node.poll(BOOK), () -> position(0) == 3);
    }
    send("d", "e");
    // As after a crash before Kafka was told.
    kafka.resetOffset(group, topic, 0);
    try (Node node = assigned(Map.of())) {
      until(() -> node.poll(BOOK), () -> position(0) == 5);
    }
    assertThat(effects.all()).containsExactly("a", "b", "c", "d", "e");
    send("f", "g");
    // As after a reset to the end by hand.
    kafka.resetOffset(group, topic, 7);
    try (Node node = assigned(Map.of())) {
      until(() -> node.poll(BOOK), () -> position(0) == 7);
    }
    // As after Kafka has forgotten the group.
    kafka.admin().deleteConsumerGroups(List.of(group)).all().get(30, TimeUnit.SECONDS);
    send("h");
    try (Node node = assigned(Map.of("auto.offset.reset", "none"))) {
      until(() -> node.poll(BOOK), () -> position(0) == 8);
    }
    assertThat(effects.all()).containsExactly("a", "b", "c", "d", "e", "f", "g", "h");
  }

  @Test
  void aZombieThatCommitsLateIsRolledBack() throws Exception {
    send("a", "b", "c", "d", "e");
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Node zombie =
        node(
            Map.of(
                "max.poll.interval.ms",
                1_000,
                "session.timeout.ms",
                1_000,
                "heartbeat.interval.ms",
                200));
    zombie.consumer.subscribe(List.of(topic));
    CompletableFuture<Void> batch =
        CompletableFuture.runAsync(
            () -> {
              while (running.getCount() > 0) {
                zombie.poll(
                    (record, transaction) -> {
                      BOOK.handle(record, transaction);
                      if (record.value().equals("c")) {
                        running.countDown();
                        Together.await(end);
                      }
                    });
              }
            });
    Together.await(running);
    Node heir = node(Map.of());
    heir.consumer.subscribe(List.of(topic));

    until(() -> heir.poll(BOOK), () -> position(0) == 5);
    assertThat(batch).isNotDone();
    end.countDown();
    batch.get(60, TimeUnit.SECONDS);

    assertThat(effects.all()).containsExactly("a", "b", "c", "d", "e");
    send("f");
    until(
        () -> {
          zombie.poll(BOOK);
          heir.poll(BOOK);
        },
        () -> position(0) == 6);
    assertThat(effects.all()).containsExactly("a", "b", "c", "d", "e", "f");
  }

  @Test
  void aCommitWhoseAnswerIsLostIsLookedUp() throws Exception {
    AtomicInteger lost = new AtomicInteger();
    positions =
        new Delegating(positions) {
          @Override
          public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
              throws X {
            R result = super.inTransaction(work);
            if (lost.incrementAndGet() == 1) {
              throw new StoreUnavailableException("the answer of the commit was lost", null);
            }
            return result;
          }
        };
    send("a", "b");
    Node node = assigned(Map.of());

    until(() -> node.poll(BOOK), () -> position(0) == 2);
    send("c");
    until(() -> node.poll(BOOK), () -> position(0) == 3);

    assertThat(effects.all()).containsExactly("a", "b", "c");
  }

  @Test
  void gapsOfTransactionsAreNoLoss() throws Exception {
    kafka.sendTogether(topic, true, "a", "b");
    kafka.sendTogether(topic, false, "x", "y");
    kafka.sendTogether(topic, true, "c");
    Map<String, Object> committed =
        Map.of("isolation.level", "read_committed", "max.poll.records", 2);
    try (Node node = assigned(committed)) {
      until(() -> node.poll(BOOK), () -> effects.all().size() == 3);
    }
    assertThat(position(0)).isEqualTo(7); // a b | x y | c: behind the last record, not the marker
    kafka.sendTogether(topic, true, "d");
    Node node = assigned(committed);
    until(() -> node.poll(BOOK), () -> position(0) == 9);

    assertThat(effects.all()).containsExactly("a", "b", "c", "d");
  }

  @Test
  void aTopicThatIsMadeAnewIsRefusedUntilItsRowsAreDeleted() throws Exception {
    send("a", "b");
    Node node = assigned(Map.of("metadata.max.age.ms", 100));
    node.records.checkTopicsEvery(Duration.ZERO);
    until(() -> node.poll(BOOK), () -> position(0) == 2);
    kafka.createAnew(topic);
    send("new a", "new b", "new c");

    // Of the consumer that was reading, and of one that is started now.
    assertThatThrownBy(() -> until(() -> node.poll(BOOK), () -> false))
        .isInstanceOfSatisfying(
            UnsafePositionException.class,
            refused -> assertThat(refused.partition()).isEqualTo(new TopicPartition(topic, 0)))
        .hasMessageContainingAll("made anew", "position 2");
    assertThatThrownBy(() -> assigned(Map.of()).poll(BOOK))
        .isInstanceOf(UnsafePositionException.class)
        .hasMessageContaining("made anew");
    assertThat(effects.all()).containsExactly("a", "b");

    execute("DELETE FROM idem_log_position WHERE log_name = '" + topic + "'");
    kafka.resetOffset(group, topic, 0);
    Node fresh = assigned(Map.of());
    until(() -> fresh.poll(BOOK), () -> position(0) == 3);
    assertThat(effects.all()).containsExactly("a", "b", "new a", "new b", "new c");
  }

  @Test
  void recordsThatAreGoneBeforeTheyWereConsumedAreTold() throws Exception {
    send("a", "b", "c", "d");
    Node node = assigned(Map.of("max.poll.records", 1));
    until(() -> node.poll(BOOK), () -> position(0) == 1);
    kafka
        .admin()
        .deleteRecords(Map.of(new TopicPartition(topic, 0), RecordsToDelete.beforeOffset(3)))
        .all()
        .get(30, TimeUnit.SECONDS);

    for (Node each : List.of(node, assigned(Map.of()))) {
      assertThatThrownBy(
              () -> {
                each.consumer.seek(new TopicPartition(topic, 0), 3); // as by auto.offset.reset
                until(() -> each.poll(BOOK), () -> position(0) > 2);
              })
          .isInstanceOf(UnsafePositionException.class)
          .hasMessageContaining("the records from 1 up to 3");
    }
    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void poisonIsParkedInTheTransactionOfItsPosition() throws Exception {
    send("a", "bad", "c");
    AtomicInteger failures = new AtomicInteger();
    AtomicInteger parks = new AtomicInteger();
    Node node =
        assigned(
            Map.of(),
            (record, why, transaction) -> {
              Effects.book(
                  "parked " + record.value() + " " + why.detail(),
                  transaction.unwrap(Connection.class));
              if (parks.incrementAndGet() == 1) {
                throw new SQLException("not kept");
              }
            });
    node.records.onFailure(2, Duration.ofMillis(10));

    try (Logged log = new Logged()) {
      until(
          () ->
              node.poll(
                  (record, transaction) -> {
                    BOOK.handle(record, transaction);
                    if (record.value().equals("bad")) {
                      failures.incrementAndGet();
                      throw new SQLException("bad");
                    }
                  }),
          () -> position(0) == 3);
      assertThat(log.parked(topic))
          .singleElement(InstanceOfAssertFactories.STRING)
          .startsWith("Message " + topic + "-0@1 of ")
          .endsWith(", and is parked: Its handler failed 3 times");
    }
    assertThat(effects.all()).containsExactly("a", "parked bad Its handler failed 3 times", "c");
    assertThat(failures).hasValue(3); // twice, and once more because it could not be parked
    assertThat(parks).hasValue(2);
  }

  @Test
  void aBatchThatFailsIsDoneUpToTheRecordThatFails() throws Exception {
    send("a", "b", "bad", "d");
    List<List<String>> calls = new ArrayList<>();
    List<String> parked = new ArrayList<>();
    Node node = assigned(Map.of(), (record, why, transaction) -> parked.add(record.value()));
    node.records.onFailure(1, Duration.ZERO);
    boolean[] tells = {true};
    PositionedConsumer.RecordsHandler<String, String, SQLException> handler =
        (records, transaction) -> {
          calls.add(records.stream().map(ConsumerRecord::value).toList());
          for (int i = 0; i < records.size(); i++) {
            BOOK.handle(records.get(i), transaction);
            if (records.get(i).value().equals("bad")) {
              SQLException failure = new SQLException("bad");
              if (tells[0]) {
                throw new MessageFailedException(i, failure);
              }
              throw failure;
            }
          }
        };
    until(() -> node.pollAll(handler), () -> position(0) == 4);

    assertThat(calls)
        .containsExactly(List.of("a", "b", "bad", "d"), List.of("a", "b"), List.of("d"));
    calls.clear();
    tells[0] = false;
    send("e", "bad", "f");
    until(() -> node.pollAll(handler), () -> position(0) == 7);

    assertThat(calls.subList(calls.size() - 2, calls.size()))
        .containsExactly(List.of("bad"), List.of("f"));
    assertThat(effects.all()).containsExactly("a", "b", "d", "e", "f");
    assertThat(parked).containsExactly("bad", "bad");
  }

  @Test
  void aStoreThatCannotAnswerIsNoFailureOfARecordWhoeverTellsIt() throws Exception {
    send("a", "b");
    List<String> parked = new ArrayList<>();
    Node node = assigned(Map.of(), (record, why, transaction) -> parked.add(record.value()));
    node.records.onFailure(1, Duration.ZERO);
    AtomicInteger outages = new AtomicInteger(3);

    until(
        () ->
            node.pollAll(
                (records, transaction) -> {
                  if (outages.getAndDecrement() > 0) {
                    throw MessageFailedException.somewhere(
                        new StoreUnavailableException("down", null));
                  }
                  for (ConsumerRecord<String, String> record : records) {
                    BOOK.handle(record, transaction);
                  }
                }),
        () -> position(0) == 2);

    assertThat(effects.all()).containsExactly("a", "b");
    assertThat(parked).isEmpty();
  }

  /** It is no outage: the same record fails for ever. */
  @Test
  void aRecordWhoseEffectTheDatabaseRefusesAtTheCommitHasFailed() throws Exception {
    execute("CREATE TABLE late (name text UNIQUE DEFERRABLE INITIALLY DEFERRED)");
    send("a", "a", "lost", "b");
    List<String> parked = new ArrayList<>();
    Node node = assigned(Map.of(), (record, why, transaction) -> parked.add(record.value()));
    node.records.onFailure(1, Duration.ZERO);

    until(
        () ->
            node.poll(
                (record, transaction) -> {
                  Connection connection = transaction.unwrap(Connection.class);
                  BOOK.handle(record, transaction);
                  try (Statement statement = connection.createStatement()) {
                    String table = record.value().equals("lost") ? "nowhere" : "late";
                    statement.execute(
                        "INSERT INTO " + table + " VALUES ('" + record.value() + "')");
                  } catch (SQLException swallowed) {
                    // after which PostgreSQL commits nothing
                  }
                }),
        () -> position(0) == 4);

    assertThat(effects.all()).containsExactly("a", "b");
    assertThat(parked).containsExactly("a", "lost");
  }

  @Test
  void withAnInboxTheDuplicatesOfTheProducerHaveOneEffectToo() throws Exception {
    JdbcTransactions transactions = JdbcTransactions.nesting(dataSource);
    positions =
        new JdbcLogPositions(
            transactions,
            Dialect.POSTGRESQL,
            JdbcLogPositions.DEFAULT_TABLE,
            Duration.ofSeconds(5));
    Idempotency engine =
        effects.engine(
            new JdbcTransactionalStore(transactions, Dialect.POSTGRESQL, JdbcSettings.defaults()));
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, "1", "a");
    kafka.send(topic, 0, null, "no key");
    kafka.send(topic, 0, "1", "another");
    kafka.send(topic, 0, "2", "b");
    List<String> parked = new ArrayList<>();
    Node node =
        assigned(
            Map.of(),
            (record, why, transaction) -> parked.add(record.value() + " " + why.reason()));

    until(() -> node.pollInbox(inbox(engine)), () -> position(0) == 5);

    assertThat(effects.all()).containsExactly("a", "b");
    assertThat(parked)
        .containsExactly("no key " + ParkReason.NO_KEY, "another " + ParkReason.KEY_REUSED);

    kafka.send(topic, 0, "3", "c");
    assertThatThrownBy(() -> until(() -> node.pollInbox(inbox(effects.engine())), () -> false))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("JdbcTransactions.nesting");
    assertThat(position(0)).isEqualTo(5);
    assertThat(effects.all()).containsExactly("a", "b");
  }

  @Test
  void whereAFirstStartBeginsIsWrittenBeforeTheFirstRecord() throws Exception {
    send("before the group", "too");
    Map<String, Object> latest = Map.of("auto.offset.reset", "latest");
    try (Node node = assigned(latest)) {
      until(() -> node.poll(BOOK), () -> position(0) == 2);
    } // without a record
    send("a");
    Node node = assigned(latest);
    until(() -> node.poll(BOOK), () -> position(0) == 3);

    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void aPartitionThatIsAddedIsReadFromItsBeginning() throws Exception {
    send("a");
    Node node = node(Map.of("metadata.max.age.ms", 100));
    node.consumer.subscribe(List.of(topic));
    until(() -> node.poll(BOOK), () -> position(0) == 1);
    kafka
        .admin()
        .createPartitions(Map.of(topic, NewPartitions.increaseTo(2)))
        .all()
        .get(30, TimeUnit.SECONDS);
    kafka.send(topic, 1, null, "b");

    until(() -> node.poll(BOOK), () -> position(1) == 1);

    assertThat(effects.all()).containsExactly("a", "b");
  }

  private Inbox<ConsumerRecord<String, String>> inbox(Idempotency engine) {
    return KafkaMessages.<String, String>inbox(engine, "book", group).build();
  }

  private void send(String... values) throws Exception {
    for (String value : values) {
      kafka.send(topic, 0, null, value);
    }
  }

  /** What the database has committed; 0 if nothing. */
  private long position(int partition) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "SELECT next_offset FROM idem_log_position WHERE reader = '%s' AND log_name = '%s'"
                        .formatted(group, topic)
                    + " AND partition_number = "
                    + partition)) {
      return row.next() ? row.getLong(1) : 0;
    }
  }

  private static void execute(String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private static void until(Step step, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("deadline").isLessThan(deadline);
      step.run();
    }
  }

  private Node assigned(Map<String, Object> settings) {
    return assigned(settings, PositionedConsumerTest::refuse);
  }

  private Node assigned(
      Map<String, Object> settings, PositionedConsumer.Parking<String, String> parking) {
    Node node = node(settings, parking);
    node.consumer.assign(Set.of(new TopicPartition(topic, 0)));
    return node;
  }

  private Node node(Map<String, Object> settings) {
    return node(settings, PositionedConsumerTest::refuse);
  }

  private Node node(
      Map<String, Object> settings, PositionedConsumer.Parking<String, String> parking) {
    KafkaConsumer<String, String> consumer = kafka.consumer(group, settings);
    open.add(consumer);
    return new Node(
        consumer, new PositionedConsumer<>(consumer, kafka.admin(), positions, parking));
  }

  private static void refuse(
      ConsumerRecord<String, String> record, ParkedRecords.Why why, LogPositions.Scope scope) {
    throw new AssertionError("parked: " + why);
  }

  /** A consumer with its positions. */
  private record Node(
      KafkaConsumer<String, String> consumer, PositionedConsumer<String, String> records)
      implements AutoCloseable {

    private static final Duration TIMEOUT = Duration.ofMillis(50);

    void poll(PositionedConsumer.RecordHandler<String, String, SQLException> handler) {
      records.pollEach(TIMEOUT, handler);
    }

    void pollAll(PositionedConsumer.RecordsHandler<String, String, SQLException> handler) {
      records.pollAll(TIMEOUT, handler);
    }

    void pollInbox(Inbox<ConsumerRecord<String, String>> inbox) {
      records.pollEach(TIMEOUT, inbox, (record, attempt) -> Effects.book(record.value(), attempt));
    }

    @Override
    public void close() {
      consumer.close();
    }
  }

  /** Positions of others. */
  private static class Delegating implements LogPositions {

    private final LogPositions positions;

    Delegating(LogPositions positions) {
      this.positions = positions;
    }

    @Override
    public Map<Partition, Position> read(Collection<Partition> partitions) {
      return positions.read(partitions);
    }

    @Override
    public Position begin(Partition partition, Position position) {
      return positions.begin(partition, position);
    }

    @Override
    public <R extends @Nullable Object, X extends Throwable> R inTransaction(Work<R, X> work)
        throws X {
      return positions.inTransaction(work);
    }
  }

  /** What may fail. */
  private interface Step {
    void run() throws Exception;
  }
}
