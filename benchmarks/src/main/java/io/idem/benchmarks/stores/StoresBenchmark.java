package io.idem.benchmarks.stores;

import io.idem.testkit.TestMariaDb;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRedis;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import javax.sql.DataSource;

/**
 * Measures Idem against code written by hand, on real servers, in one process.
 *
 * <p>Both sides of a comparison take turns, and who goes first changes with each round, so that
 * whatever else slows the machine or the growing tables down strikes both. The figure is the median
 * of the rounds' ratios. Arguments: {@code [threads=1,8,32] [rounds=5] [seconds=2] [only=TEXT]
 * [redis=embedded] [write=FILE]}. Redis is the one that is installed, if it is 7.0 or later, and
 * else the embedded one.
 */
public final class StoresBenchmark {

  private static final int WARM_UPS = 2;
  private static final String BEGIN = "<!-- stores: written by ./bench -->";
  private static final String END = "<!-- end of stores -->";

  private final List<Integer> threads;
  private final int rounds;
  private final double seconds;
  private final String only;
  private final String redisUrl;

  private StoresBenchmark(Arguments arguments) {
    this.threads =
        Stream.of(arguments.value("threads", "1,8,32").split(",")).map(Integer::valueOf).toList();
    this.rounds = Integer.parseInt(arguments.value("rounds", "5"));
    this.seconds = Double.parseDouble(arguments.value("seconds", "2"));
    this.only = arguments.value("only", "");
    this.redisUrl =
        TestRedis.hasRecent() && !arguments.value("redis", "").equals("embedded")
            ? TestRedis.recent()
            : TestRedis.standalone();
  }

  /**
   * Measures, prints and, if asked to, writes.
   *
   * @param args see the class
   * @throws Exception if a server does not start or a call fails
   */
  public static void main(String... args) throws Exception {
    Arguments arguments = Arguments.of(args);
    List<Result> results = new StoresBenchmark(arguments).measure();
    String file = arguments.value("write", "");
    String report = report(results, String.join(" ", args));
    if (file.isEmpty()) {
      System.out.println(report);
    } else {
      write(Path.of(file), report);
    }
    System.exit(0); // the servers' threads have nothing more to do
  }

  private List<Result> measure() throws Exception {
    int connections = threads.stream().mapToInt(Integer::intValue).max().orElse(1) + 2;
    try (SqlFloor postgres = new SqlFloor("PostgreSQL", durablePostgres(), connections);
        // As it comes, MariaDB syncs its log at each commit.
        SqlFloor mariaDb =
            new SqlFloor("MariaDB", TestMariaDb.shared().newDatabase(), connections);
        RedisFloor redis = new RedisFloor(redisUrl)) {
      List<Comparison> comparisons = new ArrayList<>(postgres.comparisons());
      comparisons.addAll(mariaDb.comparisons());
      comparisons.addAll(redis.comparisons());
      comparisons.removeIf(
          comparison -> !(comparison.backend() + " " + comparison.name()).contains(only));
      List<Result> results = new ArrayList<>();
      for (int count : threads) {
        for (Comparison comparison : comparisons) {
          Result result = measure(comparison, count);
          System.out.println(result.row());
          results.add(result);
        }
      }
      return results;
    }
  }

  private Result measure(Comparison comparison, int count) throws Exception {
    long nanos = (long) (seconds * 1e9);
    // Until both are compiled: what is warm first would win.
    for (int i = 0; i < WARM_UPS; i++) {
      Load.callsPerSecond(count, nanos, comparison.floor());
      Load.callsPerSecond(count, nanos, comparison.idem());
    }
    List<Double> floor = new ArrayList<>();
    List<Double> idem = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      if (round % 2 == 0) {
        floor.add(Load.callsPerSecond(count, nanos, comparison.floor()));
        idem.add(Load.callsPerSecond(count, nanos, comparison.idem()));
      } else {
        idem.add(Load.callsPerSecond(count, nanos, comparison.idem()));
        floor.add(Load.callsPerSecond(count, nanos, comparison.floor()));
      }
    }
    return new Result(comparison, count, floor, idem);
  }

  /** The test server has fsync off, which would flatter whoever commits more often. */
  private static DataSource durablePostgres() throws SQLException {
    DataSource database = TestPostgres.shared().newDatabase();
    try (Connection connection = database.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute("ALTER SYSTEM SET fsync = on");
      statement.execute("ALTER SYSTEM SET synchronous_commit = on");
      statement.execute("ALTER SYSTEM SET full_page_writes = on");
      statement.execute("SELECT pg_reload_conf()");
    }
    return database;
  }

  private static String report(List<Result> results, String arguments) {
    StringBuilder text = new StringBuilder(BEGIN).append("\n\n## Stores against code by hand\n\n");
    text.append("Measured on ")
        .append(LocalDate.now(ZoneOffset.UTC))
        .append(" with `./bench stores")
        .append(arguments.isEmpty() ? "" : " " + arguments)
        .append("` on ")
        .append(Runtime.getRuntime().availableProcessors())
        .append(" cores, Java ")
        .append(Runtime.version().feature())
        .append(", servers and callers on one machine. Commits wait for the disk.\n\n");
    text.append(
        "A ratio is Idem's throughput divided by the throughput of the same thing written by hand"
            + " (median of the rounds, with the lowest and the highest). Higher is better.\n\n");
    text.append(
        "| Server | What | Threads | By hand, keys/s | Idem, keys/s | Ratio | Promise | µs a key |\n");
    text.append("|---|---|---:|---:|---:|---|---|---:|\n");
    results.forEach(result -> text.append(result.row()).append('\n'));
    text.append("\nBy hand means:\n\n");
    Set<String> byHand = new LinkedHashSet<>();
    results.forEach(
        result ->
            byHand.add("- " + result.comparison().name() + ": " + result.comparison().byHand()));
    byHand.forEach(line -> text.append(line).append('\n'));
    return text.append('\n').append(END).append('\n').toString();
  }

  /** Puts the report in place of the last one, or at the end. */
  private static void write(Path file, String report) throws IOException {
    String before = Files.exists(file) ? Files.readString(file, StandardCharsets.UTF_8) : "";
    int begin = before.indexOf(BEGIN);
    int end = before.indexOf(END);
    String after =
        begin >= 0 && end > begin
            ? before.substring(0, begin)
                + report
                + before.substring(end + END.length()).stripLeading()
            : before + (before.isEmpty() ? "# Performance\n\n" : "\n") + report;
    Files.writeString(file, after, StandardCharsets.UTF_8);
  }
}
