package io.idem.benchmarks;

import io.idem.core.BatchBody;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.jdbc.Partitioning;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.function.LongFunction;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * What a key costs a PostgreSQL in space, and in time where 500 are claimed at once.
 *
 * <p>Starts a PostgreSQL of its own with fsync on. Space is the table with its indexes after a
 * vacuum. WAL is counted from a checkpoint on, page images included, once with a transaction for
 * each key and once with as many in each as the layout says, 500 by default. An argument sets the
 * number of keys. In the end, what a partitioned table costs and saves: ten times as many rows
 * expire in it and in a plain one.
 */
public final class Storage {

  private static final int BATCH = 500;
  private static final int ROUNDS = 11;
  private static final int ROUND_KEYS = 20_000;
  private static final String TABLE = "idem_record";
  private static final String INDEXES = " JOIN pg_index ON indrelid = t";

  private final DataSource dataSource;
  private final int keys;
  private final Random random = new Random(42);
  private final long started = System.currentTimeMillis();

  private JdbcSettings settings = JdbcSettings.defaults();

  /** Whether requests have something to compare repeats by. */
  private boolean compared;

  private Storage(DataSource dataSource, int keys) {
    this.dataSource = dataSource;
    this.keys = keys;
  }

  /**
   * Measures and prints.
   *
   * @param args the number of keys of each layout; 200000 by default
   * @throws IOException if PostgreSQL does not start
   * @throws SQLException if it fails
   */
  public static void main(String[] args) throws IOException, SQLException {
    int keys = args.length > 0 ? Integer.parseInt(args[0]) : 200_000;
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setServerConfig("fsync", "on")
            .setServerConfig("full_page_writes", "on")
            .setServerConfig("autovacuum", "off")
            .setServerConfig("max_wal_size", "8GB")
            .setServerConfig("checkpoint_timeout", "1h")
            .start()) {
      new Storage(server.getPostgresDatabase(), keys).run();
    }
  }

  private void run() throws SQLException {
    System.out.printf("%s, %d keys in each layout%n", text("SELECT version()"), keys);
    System.out.printf(
        "%-48s %6s %6s %6s %6s | %9s %9s%n",
        "layout", "table", "key", "purge", "total", "WAL, 1", "WAL, all");
    LongFunction<String> hashed = number -> "order-" + Long.toHexString(random.nextLong());
    LongFunction<String> v4 = number -> randomUuid().toString();
    LongFunction<String> v7 = this::uuidV7;
    measure("no answer, any key (hashed)", hashed, 0, BATCH);
    measure("no answer, UUIDv4", v4, 0, BATCH);
    measure("no answer, UUIDv7", v7, 0, BATCH);
    measure("no answer, UUIDv7, each in its own transaction", v7, 0, 1);
    compared = true;
    measure("no answer, UUIDv7, with a fingerprint", v7, 0, BATCH);
    compared = false;
    measure("200 bytes of answer, UUIDv4", v4, 200, BATCH);
    measure("200 bytes of answer, UUIDv7", v7, 200, BATCH);
    settings = settings.withPartitioning(Partitioning.daily());
    measure("no answer, UUIDv7, partitioned", v7, 0, BATCH);
    measure("200 bytes of answer, UUIDv7, partitioned", v7, 200, BATCH);
    settings = JdbcSettings.defaults();
    execute("DROP TABLE " + TABLE);
    new JdbcSchema(dataSource, settings).createIfAbsent();
    time(v4);
    PartitionCosts partitions = new PartitionCosts(dataSource);
    partitions.time();
    partitions.expire(10 * keys);
  }

  private void measure(String layout, LongFunction<String> key, int answerBytes, int batch)
      throws SQLException {
    execute("DROP TABLE IF EXISTS " + TABLE);
    new JdbcSchema(dataSource, settings).createIfAbsent();
    Connection single = dataSource.getConnection();
    try (Idempotency idempotency = engine(new OneConnection(single))) {
      // Neither fsync nor its absence changes what is written: it need not be waited for.
      execute(single, "SET synchronous_commit = off");
      Operation<?> operation = operation(idempotency, answerBytes);
      // The first page image of a page is its greatest cost: the table is half full by then.
      long ready = keys / 2;
      fill(operation, key, 0, ready, answerBytes, batch);
      long singles = Math.min(keys / 10, 20_000);
      double walOfSingles =
          wal(
              singles,
              () -> {
                for (long i = ready; i < ready + singles; i++) {
                  run(operation, List.of(request(key.apply(i))), answerBytes);
                }
              });
      long batched = keys - ready - singles;
      double walOfBatches =
          wal(batched, () -> fill(operation, key, ready + singles, keys, answerBytes, batch));
      execute("VACUUM " + TABLE);
      double table = bytes("sum(pg_table_size(t))", "");
      double index = bytes("sum(pg_relation_size(indexrelid))", INDEXES + " WHERE indisprimary");
      double purge =
          bytes("sum(pg_relation_size(indexrelid))", INDEXES + " WHERE NOT indisprimary");
      System.out.printf(
          "%-48s %6.1f %6.1f %6.1f %6.1f | %9.1f %9.1f%n",
          layout, table, index, purge, table + index + purge, walOfSingles, walOfBatches);
    } finally {
      single.close();
    }
  }

  /** The time of a key in a batch of 500 beside that of an insert by hand, in rounds by turns. */
  private void time(LongFunction<String> key) throws SQLException {
    double[] byHand = new double[ROUNDS];
    double[] idem = new double[ROUNDS];
    try (Connection connection = dataSource.getConnection();
        Idempotency idempotency = engine(new OneConnection(connection))) {
      Operation<?> operation = operation(idempotency, 0);
      for (int round = 0; round < ROUNDS; round++) {
        execute("TRUNCATE " + TABLE);
        byHand[round] = insertedByHand(connection);
        execute("TRUNCATE " + TABLE);
        long start = System.nanoTime();
        fill(operation, key, 0, ROUND_KEYS, 0, BATCH);
        idem[round] = (System.nanoTime() - start) / 1e3 / ROUND_KEYS;
      }
    }
    Arrays.sort(byHand);
    Arrays.sort(idem);
    System.out.printf(
        "%nA key in a batch of %d, commit included, fastest and median of %d rounds:%n"
            + "insert by hand %.1f and %.1f us, Operation.executeAll %.1f and %.1f us%n",
        BATCH, ROUNDS, byHand[0], byHand[ROUNDS / 2], idem[0], idem[ROUNDS / 2]);
  }

  private static double insertedByHand(Connection connection) throws SQLException {
    connection.setAutoCommit(false);
    long start = System.nanoTime();
    for (int batch = 0; batch < ROUND_KEYS / BATCH; batch++) {
      Object[] ids = Stream.generate(UUID::randomUUID).limit(BATCH).toArray();
      try (PreparedStatement insert =
          connection.prepareStatement(
              "INSERT INTO idem_record (expires_at, attempt, state, id)"
                  + " SELECT extract(epoch FROM now()) * 1000, 1, 2, unnest(?::uuid[])"
                  + " ON CONFLICT (id) DO NOTHING RETURNING id")) {
        insert.setArray(1, connection.createArrayOf("uuid", ids));
        try (ResultSet result = insert.executeQuery()) {
          while (result.next()) {
            result.getObject(1);
          }
        }
      }
      connection.commit();
    }
    double micros = (System.nanoTime() - start) / 1e3 / ROUND_KEYS;
    connection.setAutoCommit(true);
    return micros;
  }

  private Idempotency engine(DataSource connections) {
    return Idempotency.builder()
        .transactionalStore(
            new JdbcTransactionalStore(
                JdbcTransactions.of(connections), Dialect.POSTGRESQL, settings))
        .purgeEvery(Duration.ZERO)
        .build();
  }

  private static Operation<?> operation(Idempotency idempotency, int answerBytes) {
    return answerBytes == 0
        ? idempotency.operation("consume").build()
        : idempotency.operation("pay", byte[].class).build();
  }

  private IdempotentRequest request(String key) {
    IdempotentRequest request = IdempotentRequest.of(key);
    return compared ? request.comparing(key) : request;
  }

  private void fill(
      Operation<?> operation,
      LongFunction<String> key,
      long from,
      long to,
      int answerBytes,
      int batch) {
    for (long start = from; start < to; start += batch) {
      List<IdempotentRequest> requests = new ArrayList<>();
      for (long i = start; i < Math.min(to, start + batch); i++) {
        requests.add(request(key.apply(i)));
      }
      run(operation, requests, answerBytes);
    }
  }

  @SuppressWarnings("unchecked") // as they were made above
  private static void run(
      Operation<?> operation, List<IdempotentRequest> requests, int answerBytes) {
    if (answerBytes == 0) {
      ((Operation<@Nullable Void>) operation).executeAll(requests, BatchBody.all(fresh -> {}));
    } else {
      ((Operation<byte[]>) operation)
          .executeAll(requests, BatchBody.each(item -> new byte[answerBytes]));
    }
  }

  private UUID randomUuid() {
    long high = (random.nextLong() & ~0xF000L) | 0x4000L;
    return new UUID(high, (random.nextLong() >>> 2) | Long.MIN_VALUE);
  }

  /** A thousand keys a second, as their own time tells. */
  private String uuidV7(long number) {
    // The partitions that are there begin with the day of today.
    long millis = started + number;
    long high = (millis << 16) | 0x7000L | random.nextInt(0x1000);
    return new UUID(high, (random.nextLong() >>> 2) | Long.MIN_VALUE).toString();
  }

  /** WAL bytes for each key from a checkpoint on. */
  private double wal(long count, Runnable work) throws SQLException {
    execute("CHECKPOINT");
    String before = text("SELECT pg_current_wal_insert_lsn()");
    work.run();
    String written = text("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '" + before + "')");
    return Double.parseDouble(written) / count;
  }

  /** Of the table and its partitions, if it has any. */
  private double bytes(String size, String join) throws SQLException {
    String tables =
        "(SELECT '%s' :: regclass AS t UNION ALL SELECT inhrelid FROM pg_inherits WHERE inhparent = '%s'"
                .formatted(TABLE, TABLE)
            + " :: regclass) tables";
    return Double.parseDouble(text("SELECT " + size + " FROM " + tables + join)) / keys;
  }

  private String text(String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getString(1);
    }
  }

  private void execute(String sql) throws SQLException {
    try (Connection connection = dataSource.getConnection()) {
      execute(connection, sql);
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
