package io.idem.benchmarks.http;

import io.idem.benchmarks.load.Arguments;
import io.idem.benchmarks.load.Caller;
import io.idem.benchmarks.load.Comparison;
import io.idem.benchmarks.load.Report;
import io.idem.benchmarks.load.Result;
import io.idem.benchmarks.load.Rounds;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A trivial endpoint with and without protection, in one Spring Boot application with the in-memory
 * store, over connections that are kept.
 *
 * <p>Arguments: {@code [threads=8] [rounds=7] [seconds=2] [write=FILE]}. Ends with 1 if a promise
 * is missed.
 */
public final class HttpBenchmark {

  /** What an endpoint keeps of its throughput at least. */
  private static final double TARGET = 0.85;

  private static final int REPLAYED = 1_000;

  private static final Report REPORT =
      new Report(
          "http",
          "Endpoints with and without protection",
          "Requests have a key and 44 bytes of JSON, answers 31 bytes; the store is in memory.");

  private HttpBenchmark() {}

  /**
   * Measures, prints and, if asked to, writes.
   *
   * @param args see the class
   * @throws Exception if the server does not start or a call fails
   */
  public static void main(String... args) throws Exception {
    Arguments arguments = Arguments.of(args);
    int threads = Integer.parseInt(arguments.value("threads", "8"));
    int rounds = Integer.parseInt(arguments.value("rounds", "7"));
    long nanos = (long) (Double.parseDouble(arguments.value("seconds", "2")) * 1e9);
    List<Result> results = new ArrayList<>();
    try (ConfigurableApplicationContext server =
        SpringApplication.run(TrivialApplication.class, TrivialApplication.arguments())) {
      int port = server.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
      for (Comparison comparison : comparisons(port)) {
        Result result = Rounds.measure(comparison, threads, rounds, nanos);
        System.out.println(result.row());
        results.add(result);
      }
    }
    String file = arguments.value("write", "");
    String report = REPORT.of(results, String.join(" ", args));
    if (file.isEmpty()) {
      System.out.println(report);
    } else {
      REPORT.write(Path.of(file), report);
    }
    System.exit(results.stream().anyMatch(Result::misses) ? 1 : 0);
  }

  private static List<Comparison> comparisons(int port) {
    List<String> known = Stream.generate(HttpBenchmark::key).limit(REPLAYED).toList();
    Supplier<String> any = () -> known.get(ThreadLocalRandom.current().nextInt(REPLAYED));
    return List.of(
        comparison(
            "servlet",
            "a servlet without a filter",
            client(port, "/servlet", HttpBenchmark::key),
            client(port, "/protected-servlet", HttpBenchmark::key)),
        comparison(
            "controller",
            "a controller without @Idempotent",
            client(port, "/plain", HttpBenchmark::key),
            client(port, "/protected", HttpBenchmark::key)),
        comparison(
            "controller, repeats",
            "a controller without @Idempotent",
            client(port, "/plain", any),
            client(port, "/repeated", any)));
  }

  private static Comparison comparison(
      String name, String byHand, Supplier<Caller> floor, Supplier<Caller> idem) {
    return new Comparison("Tomcat", name, byHand, TARGET, 1, floor, idem);
  }

  private static Supplier<Caller> client(int port, String path, Supplier<String> keys) {
    return () -> new KeepAliveClient(port, path, keys);
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }
}
