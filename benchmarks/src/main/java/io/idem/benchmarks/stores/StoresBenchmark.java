package io.idem.benchmarks.stores;

import io.idem.benchmarks.load.Arguments;
import io.idem.benchmarks.load.Comparison;
import io.idem.benchmarks.load.Report;
import io.idem.benchmarks.load.Result;
import io.idem.benchmarks.load.Rounds;
import io.idem.jdbc.LockWait;
import io.idem.testkit.TestMariaDb;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRedis;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.sql.DataSource;

/**
 * Measures Idem against code written by hand, on real servers, in one process.
 *
 * <p>Both sides of a comparison take turns, and who goes first changes with each round, so that
 * whatever else slows the machine or the growing tables down strikes both. The figure is the median
 * of the rounds' ratios. Arguments: {@code [threads=1,8,32] [rounds=5] [seconds=2] [only=TEXT]
 * [redis=embedded|redis8|valkey] [write=FILE]}. Redis is the one that is installed, if it is 7.0 to
 * 8.3, and else the embedded one; {@code redis8} and {@code valkey} are the Redis 8.4 or later and
 * the Valkey that are installed or that an environment variable of the testkit names.
 */
public final class StoresBenchmark {

  private static final Report REPORT =
      new Report(
          "stores",
          "Stores against code by hand",
          "Commits wait for the disk, but on MariaDB, which runs as the testkit starts it. On"
              + " \"PostgreSQL\" the store cancels a claim that has waited"
              + " long enough (`LockWait.BY_CLIENT`); on \"PostgreSQL with lock_timeout\" all"
              + " connections, also those of the code by hand, carry a lock_timeout of two seconds,"
              + " and claims leave their wait to it (`LockWait.OF_SESSION`). The code by hand on"
              + " \"PostgreSQL\" waits without a bound. Everything is compiled before it is"
              + " measured.");

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
    this.redisUrl = redis(arguments.value("redis", ""));
  }

  private static String redis(String which) {
    return switch (which) {
      case "" -> TestRedis.hasRecent() ? TestRedis.recent() : TestRedis.standalone();
      case "embedded" -> TestRedis.standalone();
      case "redis8" -> TestRedis.redis8();
      case "valkey" -> TestRedis.valkey();
      default ->
          throw new IllegalArgumentException("redis=embedded, redis8 or valkey, found " + which);
    };
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
    String report = REPORT.of(results, String.join(" ", args));
    if (file.isEmpty()) {
      System.out.println(report);
    } else {
      REPORT.write(Path.of(file), report);
    }
    System.exit(0); // the servers' threads have nothing more to do
  }

  private List<Result> measure() throws Exception {
    int connections = threads.stream().mapToInt(Integer::intValue).max().orElse(1) + 2;
    try (SqlFloor postgres = new SqlFloor("PostgreSQL", durablePostgres(), connections);
        SqlFloor bounded =
            new SqlFloor(
                "PostgreSQL with lock_timeout",
                durablePostgres(),
                connections,
                LockWait.OF_SESSION);
        // As it comes, MariaDB syncs its log at each commit.
        SqlFloor mariaDb =
            new SqlFloor("MariaDB", TestMariaDb.shared().newDatabase(), connections);
        RedisFloor redis = new RedisFloor(redisUrl)) {
      List<Comparison> comparisons = new ArrayList<>(postgres.comparisons());
      comparisons.addAll(bounded.claims());
      comparisons.addAll(mariaDb.comparisons());
      comparisons.addAll(redis.comparisons());
      comparisons.removeIf(
          comparison -> !(comparison.backend() + " " + comparison.name()).contains(only));
      Rounds.warmUp(comparisons);
      List<Result> results = new ArrayList<>();
      for (int count : threads) {
        for (Comparison comparison : comparisons) {
          Result result = Rounds.measure(comparison, count, rounds, (long) (seconds * 1e9));
          System.out.println(result.row());
          results.add(result);
        }
      }
      return results;
    }
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
}
