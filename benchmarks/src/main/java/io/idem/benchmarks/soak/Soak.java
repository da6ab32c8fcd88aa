package io.idem.benchmarks.soak;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.idem.core.DecisionEvent;
import io.idem.core.DecisionListener;
import io.idem.core.Idempotency;
import io.idem.core.PurgeEvent;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcIdempotencyStore;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jdbc.JdbcTransactions;
import io.idem.jdbc.Partitioning;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.lang.management.ManagementFactory;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;

/**
 * Millions of keys through one engine on a PostgreSQL of its own, with a retention so short that
 * most of them expire and are purged during the run.
 *
 * <p>Commits wait for the disk. The run is divided into parts, and each is a row of what is
 * printed. It fails if the last tenth is slower than twice the second, if the heap or the table
 * grows, if purging falls behind, if an answer is wrong, or if expired records are left in the end.
 * Arguments: {@code [keys=10000000] [rate=20000] [batch=500] [clients=2] [pause=5] [retention=60]
 * [purge=5] [samples=20] [layout=plain|partitioned] [ids=v4|v7] [minutes=20]}; times are in seconds
 * but for the pause of a client between two keys, which is in milliseconds.
 */
public final class Soak {

  /** The narrowest partitions there are. */
  static final Duration PARTITION = Duration.ofMillis(65_536);

  private final SoakSettings settings;
  private final List<SoakSample> samples = new ArrayList<>();
  private final AtomicLong deleted = new AtomicLong();
  private final AtomicLong worstLag = new AtomicLong();

  Soak(SoakSettings settings) {
    this.settings = settings;
  }

  /**
   * Runs and prints; ends with status 1 if something did not hold.
   *
   * @param args see the class
   * @throws Exception if PostgreSQL does not start or a call fails
   */
  public static void main(String... args) throws Exception {
    List<String> failures = new Soak(SoakSettings.of(args)).run(true);
    failures.forEach(failure -> System.out.println("FAILED: " + failure));
    System.out.println(failures.isEmpty() ? "It held." : "It did not hold.");
    System.exit(failures.isEmpty() ? 0 : 1);
  }

  List<SoakSample> samples() {
    return samples;
  }

  /**
   * Answers with what did not hold; what takes its time to show is only asked for if it says so.
   */
  List<String> run(boolean judge) throws Exception {
    System.out.println(settings);
    System.out.println(SoakSample.HEADER);
    try (EmbeddedPostgres server = server();
        HikariDataSource pool = pool(server)) {
      JdbcSettings jdbc =
          JdbcSettings.defaults()
              .withPartitioning(settings.partitioned() ? new Partitioning(PARTITION, 3) : null);
      new JdbcSchema(pool, jdbc).createIfAbsent();
      List<String> failures = new ArrayList<>();
      try (Idempotency idempotency =
          Idempotency.builder()
              .store(new JdbcIdempotencyStore(pool, jdbc))
              .transactionalStore(
                  new JdbcTransactionalStore(JdbcTransactions.of(pool), Dialect.POSTGRESQL, jdbc))
              .purgeEvery(settings.purgeEvery())
              .listener(new Purged())
              .build()) {
        SoakLoad load = new SoakLoad(settings, idempotency);
        put(load, pool);
        if (load.wrong() > 0) {
          failures.add(load.wrong() + " answers were wrong");
        }
        long left = drain(pool);
        if (left > 0) {
          failures.add(left + " expired records are left");
        }
      }
      if (judge) {
        failures.addAll(SoakVerdict.of(samples, settings));
      }
      return failures;
    }
  }

  private void put(SoakLoad load, HikariDataSource pool) throws Exception {
    long end = System.nanoTime() + settings.atMost().toNanos();
    BooleanSupplier stop = () -> load.keys() >= settings.keys() || System.nanoTime() - end > 0;
    ExecutorService threads = Executors.newFixedThreadPool(settings.clients() + 1);
    try {
      List<Future<?>> running = new ArrayList<>();
      running.add(
          threads.submit(
              () -> {
                load.consumeBatches(stop);
                return null;
              }));
      IntStream.range(0, settings.clients())
          .forEach(client -> running.add(threads.submit(() -> load.sendSingles(stop))));
      long before = 0;
      long start = System.nanoTime();
      for (int i = 1; i <= settings.samples(); i++) {
        long until = settings.keys() * i / settings.samples();
        while (load.keys() < until && !stop.getAsBoolean()) {
          check(running);
        }
        SoakSample sample = sample(load, pool, (System.nanoTime() - start) / 1e9);
        start = System.nanoTime();
        System.out.println(sample.row(before));
        samples.add(sample);
        before = sample.keys();
      }
      for (Future<?> each : running) {
        each.get(1, TimeUnit.MINUTES);
      }
      if (load.keys() < settings.keys()) {
        throw new IllegalStateException(
            "Only " + load.keys() + " keys after " + settings.atMost().toMinutes() + " minutes");
      }
    } finally {
      threads.shutdownNow();
      threads.awaitTermination(1, TimeUnit.MINUTES);
    }
  }

  /** Waits a moment, and fails if a thread has. */
  private static void check(List<Future<?>> running) throws Exception {
    try {
      running.get(0).get(20, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      // It runs.
    }
    for (Future<?> each : running) {
      if (each.isDone()) {
        each.get();
      }
    }
  }

  private SoakSample sample(SoakLoad load, HikariDataSource pool, double seconds)
      throws SQLException {
    long[] latencies = load.latencies();
    long keys = load.keys();
    System.gc();
    return new SoakSample(
        keys,
        seconds,
        latencies[0],
        latencies[1],
        ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed(),
        number(
            pool,
            "SELECT COALESCE((SELECT sum(pg_total_relation_size(relid))"
                + " FROM pg_partition_tree('idem_record')),"
                + " pg_total_relation_size('idem_record'))"),
        worstLag.getAndSet(0),
        deleted.getAndSet(0));
  }

  /** How many records are left once all have expired and purging has had its time. */
  private long drain(HikariDataSource pool) throws SQLException, InterruptedException {
    Duration time =
        settings.retention().plus(settings.purgeEvery().multipliedBy(3)).plusSeconds(45);
    long end = System.nanoTime() + time.toNanos();
    String expired =
        settings.partitioned()
            // The rest goes with its partitions, whose time is not over yet.
            ? "SELECT count(*) FROM idem_record_high"
            : "SELECT count(*) FROM idem_record";
    long left;
    while ((left = number(pool, expired)) > 0 && System.nanoTime() - end < 0) {
      Thread.sleep(500);
    }
    return left;
  }

  private static long number(HikariDataSource pool, String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet result = statement.executeQuery(sql)) {
      result.next();
      return result.getLong(1);
    }
  }

  private static EmbeddedPostgres server() throws Exception {
    return EmbeddedPostgres.builder()
        .setServerConfig("fsync", "on")
        .setServerConfig("synchronous_commit", "on")
        .setServerConfig("full_page_writes", "on")
        .setServerConfig("shared_buffers", "256MB")
        .setServerConfig("max_wal_size", "4GB")
        .start();
  }

  private HikariDataSource pool(EmbeddedPostgres server) {
    HikariConfig config = new HikariConfig();
    config.setDataSource(server.getPostgresDatabase());
    config.setMaximumPoolSize(settings.clients() + 4);
    return new HikariDataSource(config);
  }

  /** Listens for purges. */
  private final class Purged implements DecisionListener {

    @Override
    public void onDecision(DecisionEvent event) {}

    @Override
    public void onPurge(PurgeEvent event) {
      deleted.addAndGet(event.deleted());
      event.lag().ifPresent(lag -> worstLag.accumulateAndGet(lag.toMillis(), Math::max));
    }
  }
}
