package io.idem.benchmarks;

import io.idem.core.BatchBody;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.ExpiredEntries;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.jdbc.Partitioning;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** What a partitioned table costs on PostgreSQL, and what it saves, beside a plain one. */
final class PartitionCosts {

  private static final int BATCH = 500;
  private static final int ROUNDS = 11;
  private static final int ROUND_KEYS = 20_000;
  private static final int ROUND_SINGLES = 2_000;

  private static final JdbcSettings PLAIN = JdbcSettings.defaults().withTable("plain");
  private static final JdbcSettings PARTITIONED =
      JdbcSettings.defaults().withTable("partitioned").withPartitioning(Partitioning.daily());

  /** Sixteen hours of October 2025, as the first digits of record ids. */
  private static final String PAST =
      "FROM ('0199c000-0000-0000-0000-000000000000') TO ('0199c400-0000-0000-0000-000000000000')";

  private final DataSource dataSource;

  PartitionCosts(DataSource dataSource) throws SQLException {
    this.dataSource = dataSource;
    new JdbcSchema(dataSource, PLAIN).createIfAbsent();
    new JdbcSchema(dataSource, PARTITIONED).createIfAbsent();
  }

  /** The time of a key in either layout, in rounds by turns. */
  void time() throws SQLException {
    double[] single = new double[ROUNDS];
    double[] singlePartitioned = new double[ROUNDS];
    double[] batch = new double[ROUNDS];
    double[] batchPartitioned = new double[ROUNDS];
    try (Connection connection = dataSource.getConnection();
        Idempotency plain = engine(new OneConnection(connection), PLAIN);
        Idempotency partitioned = engine(new OneConnection(connection), PARTITIONED)) {
      // What is compared is the work, not the wait for the disk.
      execute(connection, "SET synchronous_commit = off");
      for (int round = 0; round < ROUNDS; round++) {
        execute(connection, "TRUNCATE plain, partitioned");
        single[round] = micros(plain, ROUND_SINGLES, 1);
        singlePartitioned[round] = micros(partitioned, ROUND_SINGLES, 1);
        batch[round] = micros(plain, ROUND_KEYS, BATCH);
        batchPartitioned[round] = micros(partitioned, ROUND_KEYS, BATCH);
      }
    }
    System.out.printf(
        "%nA UUIDv7 key in a plain and in a partitioned table, commits not waited for, median of %d"
            + " rounds:%none in a transaction %.1f and %.1f us, in batches of %d %.1f and %.1f us%n",
        ROUNDS,
        median(single),
        median(singlePartitioned),
        BATCH,
        median(batch),
        median(batchPartitioned));
  }

  /** The expiry of many rows in either layout. */
  void expire(int rows) throws SQLException {
    System.out.printf("%nExpiry of %d rows:%n", rows);
    execute("TRUNCATE plain, partitioned");
    execute("CREATE TABLE partitioned_past PARTITION OF partitioned FOR VALUES " + PAST);
    for (JdbcSettings settings : List.of(PLAIN, PARTITIONED)) {
      execute(
          "INSERT INTO "
              + settings.table()
              + " (expires_at, attempt, state, id) SELECT 1760000000000 + i / 20 * 1000, 1, 2,"
              + " CAST('0199c' || lpad(to_hex(i * 1000 / "
              + rows
              + "), 3, '0') || substr(md5(i :: text), 9) AS uuid)"
              + " FROM generate_series(1, "
              + (rows - 1)
              + ") i");
      execute("VACUUM ANALYZE " + settings.table());
      execute("CHECKPOINT");
      ExpiredEntries store = new JdbcIdempotencyStore(dataSource, settings);
      String before = text("SELECT pg_current_wal_insert_lsn()");
      long start = System.nanoTime();
      long gone = 0;
      int last;
      do {
        last = store.purgeExpired(1_000);
        gone += last;
      } while (last >= 1_000);
      double seconds = (System.nanoTime() - start) / 1e9;
      String wal = text("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '" + before + "')");
      System.out.printf(
          "%-12s %d rows, %.2f s, %.2f MB of WAL%n",
          settings.table(), gone, seconds, Double.parseDouble(wal) / 1e6);
    }
  }

  private static double micros(Idempotency idempotency, int keys, int batch) {
    Operation<?> operation = idempotency.operation("consume").build();
    long start = System.nanoTime();
    for (int from = 0; from < keys; from += batch) {
      List<IdempotentRequest> requests = new ArrayList<>(batch);
      for (int i = 0; i < batch; i++) {
        requests.add(IdempotentRequest.of(uuidV7()));
      }
      run(operation, requests);
    }
    return (System.nanoTime() - start) / 1e3 / keys;
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // as it was made above; an inbox answers null
  private static void run(Operation<?> operation, List<IdempotentRequest> requests) {
    Operation<@Nullable Void> consume = (Operation<@Nullable Void>) operation;
    if (requests.size() == 1) {
      consume.execute(requests.get(0), attempt -> null);
    } else {
      consume.executeAll(requests, BatchBody.all(fresh -> {}));
    }
  }

  private static Idempotency engine(DataSource connections, JdbcSettings settings) {
    return Idempotency.builder()
        .transactionalStore(
            new JdbcTransactionalStore(
                JdbcTransactions.of(connections), Dialect.POSTGRESQL, settings))
        .purgeEvery(Duration.ZERO)
        .build();
  }

  private static String uuidV7() {
    ThreadLocalRandom random = ThreadLocalRandom.current();
    long high = (System.currentTimeMillis() << 16) | 0x7000L | random.nextInt(0x1000);
    return new UUID(high, (random.nextLong() >>> 2) | Long.MIN_VALUE).toString();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
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
