package io.idem.benchmarks;

import io.idem.benchmarks.load.Arguments;
import io.idem.core.Idempotency;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What a message costs with an inbox in PostgreSQL, against the same listener without one: in
 * batches of 500, and one by one.
 *
 * <p>On one connection, with fsync on. The listener writes a business row for each message, in a
 * batch by one round trip, and a transaction is committed for each batch, or for each message. The
 * records are Kafka's; no broker is asked, because it costs both sides the same. Rounds go by
 * turns, and medians count. Fails if a message of a batch costs 20 µs or more, or a message by
 * itself less than 8 times that.
 */
public final class Messages {

  private static final double MOST_MICROS = 20;
  private static final double LEAST_RATIO = 8;

  private final Connection connection;
  private final Inbox<ConsumerRecord<String, String>> inbox;
  private final int batch;
  private final int rounds;

  private Messages(Connection connection, Idempotency engine, int batch, int rounds) {
    this.connection = connection;
    this.inbox = KafkaMessages.<String, String>inbox(engine, "book", "billing").build();
    this.batch = batch;
    this.rounds = rounds;
  }

  /**
   * Measures, prints, and fails if a limit is missed.
   *
   * @param args {@code batch=500}, {@code rounds=15}
   * @throws IOException if the server does not start
   * @throws SQLException if it fails
   */
  public static void main(String[] args) throws IOException, SQLException {
    Arguments arguments = Arguments.of(args);
    int batch = Integer.parseInt(arguments.value("batch", "500"));
    int rounds = Integer.parseInt(arguments.value("rounds", "15"));
    boolean kept;
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setServerConfig("fsync", "on")
            .setServerConfig("full_page_writes", "on")
            .start()) {
      DataSource dataSource = server.getPostgresDatabase();
      new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
      try (Connection connection = dataSource.getConnection();
          Idempotency engine =
              Idempotency.builder()
                  .transactionalStore(new JdbcTransactionalStore(new OneConnection(connection)))
                  .purgeEvery(Duration.ZERO)
                  .build()) {
        kept = new Messages(connection, engine, batch, rounds).run();
      }
    }
    if (!kept) {
      Runtime.getRuntime().exit(1);
    }
  }

  private boolean run() throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute("CREATE TABLE booking (id BIGSERIAL PRIMARY KEY, what VARCHAR(100))");
    }
    List<Side> sides =
        List.of(
            new Side("batch without Idem", this::plainBatch),
            new Side("batch with Idem", this::inboxBatch),
            new Side("batch of repeats", this::repeatedBatch),
            new Side("one by one without Idem", this::plainOnes),
            new Side("one by one with Idem", this::inboxOnes));
    double[][] micros = new double[sides.size()][rounds];
    for (int round = -3; round < rounds; round++) { // the first warm up
      for (int i = 0; i < sides.size(); i++) {
        List<ConsumerRecord<String, String>> records = records();
        if (i == 2) {
          inboxBatch(records);
        }
        long start = System.nanoTime();
        sides.get(i).consuming.consume(records);
        if (round >= 0) {
          micros[i][round] = (System.nanoTime() - start) / 1e3 / batch;
        }
      }
    }
    System.out.printf("us a message, %d messages a batch, median of %d rounds%n", batch, rounds);
    for (int i = 0; i < sides.size(); i++) {
      System.out.printf("  %-26s %8.1f%n", sides.get(i).name, median(micros[i]));
    }
    double inBatch = median(micros[1]) - median(micros[0]);
    double byItself = median(micros[4]) - median(micros[3]);
    System.out.printf(
        "What Idem costs a message: %.1f us in a batch (limit %.0f), %.1f us by itself%n",
        inBatch, MOST_MICROS, byItself);
    System.out.printf(
        "By itself it costs %.1f times as much (at least %.0f)%n", byItself / inBatch, LEAST_RATIO);
    return inBatch < MOST_MICROS && byItself >= LEAST_RATIO * inBatch;
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  private List<ConsumerRecord<String, String>> records() {
    return IntStream.range(0, batch)
        .mapToObj(
            i -> {
              String id = MessageIds.of("booked", UUID.randomUUID().toString());
              ConsumerRecord<String, String> record =
                  new ConsumerRecord<>("bookings", 0, i, null, "booking " + id);
              record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
              return record;
            })
        .toList();
  }

  private void plainBatch(List<ConsumerRecord<String, String>> records) throws SQLException {
    connection.setAutoCommit(false);
    book(records.stream().map(ConsumerRecord::value).toList());
    connection.commit();
    connection.setAutoCommit(true);
  }

  private void inboxBatch(List<ConsumerRecord<String, String>> records) throws SQLException {
    requireDone(
        inbox
            .consumeAll(
                records,
                (List<BatchHandler.Fresh<ConsumerRecord<String, String>>> fresh) ->
                    book(fresh.stream().map(each -> each.message().value()).toList()))
            .firstNotDone()
            .isEmpty());
  }

  private void repeatedBatch(List<ConsumerRecord<String, String>> records) throws SQLException {
    inboxBatch(records);
  }

  private void plainOnes(List<ConsumerRecord<String, String>> records) throws SQLException {
    for (ConsumerRecord<String, String> record : records) {
      connection.setAutoCommit(false);
      book(List.of(record.value()));
      connection.commit();
      connection.setAutoCommit(true);
    }
  }

  private void inboxOnes(List<ConsumerRecord<String, String>> records) throws SQLException {
    for (ConsumerRecord<String, String> record : records) {
      requireDone(inbox.consume(record, (fresh, attempt) -> book(List.of(fresh.value()))).isDone());
    }
  }

  private static void requireDone(boolean done) {
    if (!done) {
      throw new IllegalStateException("A message was not consumed");
    }
  }

  private void book(List<String> values) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement("INSERT INTO booking (what) SELECT unnest(?::varchar[])")) {
      insert.setArray(1, connection.createArrayOf("varchar", values.toArray()));
      insert.executeUpdate();
    }
  }

  /** A way to consume. */
  private record Side(String name, Consuming consuming) {}

  /** Consumes the records of a poll. */
  private interface Consuming {
    void consume(List<ConsumerRecord<String, String>> records) throws SQLException;
  }
}
