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
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.springframework.boot.SpringApplication;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * A trivial endpoint with and without protection: two Spring Boot applications in one process, one
 * of which knows nothing of Idem, called over connections that are kept.
 *
 * <p>A controller promises a part of its throughput. A bare servlet does next to nothing, so that
 * what is left of its throughput says little; there the time that protection takes is bounded.
 *
 * <p>Arguments: {@code [threads=8] [rounds=7] [seconds=2] [only=NAME] [write=FILE]}; only the
 * comparison of that name, as it stands in the first column. Ends with 1 if a promise is missed.
 */
public final class HttpBenchmark {

  /** What an endpoint keeps of its throughput at least. */
  private static final double TARGET = 0.85;

  /** What protection takes of a processor at most, in microseconds a request. */
  private static final double MOST_MICROS = 25;

  private static final int REPLAYED = 1_000;

  /** As long as the name of the key's header. */
  private static final String OTHER_HEADER = "X-Request-Token";

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
   * @throws Exception if a server does not start or a call fails
   */
  public static void main(String... args) throws Exception {
    Arguments arguments = Arguments.of(args);
    int threads = Integer.parseInt(arguments.value("threads", "8"));
    int rounds = Integer.parseInt(arguments.value("rounds", "7"));
    long nanos = (long) (Double.parseDouble(arguments.value("seconds", "2")) * 1e9);
    String only = arguments.value("only", "");
    List<Result> results = new ArrayList<>();
    List<WorkerCosts> workers = new ArrayList<>();
    try (ConfigurableApplicationContext plain = start(PlainApplication.class, false);
        ConfigurableApplicationContext guarded = start(ProtectedApplication.class, true)) {
      List<Comparison> comparisons = comparisons(portOf(plain), portOf(guarded));
      if (!only.isEmpty()) {
        comparisons = comparisons.stream().filter(each -> each.name().equals(only)).toList();
      }
      if (comparisons.isEmpty()) {
        throw new IllegalArgumentException("only= is the name of a comparison, found " + only);
      }
      Rounds.warmUp(comparisons);
      for (Comparison comparison : comparisons) {
        Result result = Rounds.measure(comparison, threads, rounds, nanos);
        System.out.println(result.row());
        results.add(result);
        workers.add(WorkerCosts.measure(comparison, threads));
      }
    }
    String file = arguments.value("write", "");
    String report = REPORT.of(results, String.join(" ", args), processorTimes(results, workers));
    if (file.isEmpty()) {
      System.out.println(report);
    } else {
      REPORT.write(Path.of(file), report);
    }
    System.exit(results.stream().anyMatch(HttpBenchmark::misses) ? 1 : 0);
  }

  private static boolean misses(Result result) {
    return result.misses() || result.addedCpuMicros() > MOST_MICROS;
  }

  private static ConfigurableApplicationContext start(Class<?> application, boolean idem) {
    return SpringApplication.run(
        application,
        "--server.port=0",
        "--server.address=127.0.0.1",
        "--server.tomcat.max-keep-alive-requests=-1",
        "--spring.main.banner-mode=off",
        "--logging.level.root=warn",
        "--idem.enabled=" + idem,
        "--idem.store=memory",
        "--idem.retention=2s",
        "--idem.purge-every=1s");
  }

  private static int portOf(ConfigurableApplicationContext server) {
    return server.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
  }

  private static List<Comparison> comparisons(int plain, int guarded) {
    List<String> known = Stream.generate(HttpBenchmark::key).limit(REPLAYED).toList();
    Supplier<String> any = () -> known.get(ThreadLocalRandom.current().nextInt(REPLAYED));
    Supplier<String> fresh = HttpBenchmark::key;
    return List.of(
        comparison(
            "controller, JSON",
            "a controller of an application without Idem; records to and from JSON",
            TARGET,
            client(plain, "/plain", fresh),
            client(guarded, "/protected", fresh)),
        comparison(
            "controller, JSON, repeats",
            "as above",
            TARGET,
            client(plain, "/plain", any),
            client(guarded, "/repeated", any)),
        comparison(
            "controller, JSON, not protected",
            "as above, with the UUID in a header of another name, since nobody sends a key to what"
                + " takes none; Idem finds out that nothing protects the request",
            TARGET,
            client(plain, "/plain", OTHER_HEADER, fresh),
            client(guarded, "/plain", OTHER_HEADER, fresh)),
        comparison(
            "controller, bytes",
            "as above, but of byte arrays, with which Spring MVC has nothing to do",
            0,
            client(plain, "/plain-bytes", fresh),
            client(guarded, "/protected-bytes", fresh)),
        comparison(
            "servlet",
            "a servlet that reads bytes and writes bytes, without a filter of Idem",
            0,
            client(plain, "/servlet", fresh),
            client(guarded, "/protected-servlet", fresh)));
  }

  private static Comparison comparison(
      String name, String byHand, double target, Supplier<Caller> floor, Supplier<Caller> idem) {
    return new Comparison("Tomcat", name, byHand, target, 1, floor, idem);
  }

  /** The time of the whole process, and what the servers' threads have of it. */
  private static String processorTimes(List<Result> results, List<WorkerCosts> workers) {
    StringBuilder text =
        new StringBuilder(
            "Time on a processor, which other processes lengthen less than they lower throughput,"
                + " in µs a request (medians). The process is client, server, garbage collection"
                + " and purging; the workers are the threads of the servers alone, with the bytes"
                + " that they allocate.\n\n"
                + "| What | Process without Idem, µs | Idem adds | Promise"
                + " | Workers without Idem, µs | Idem adds | Without Idem, bytes | Idem adds |\n"
                + "|---|---:|---:|---|---:|---:|---:|---:|\n");
    for (int i = 0; i < results.size(); i++) {
      Result result = results.get(i);
      WorkerCosts worker = workers.get(i);
      boolean kept = result.addedCpuMicros() <= MOST_MICROS;
      String promise = String.format(Locale.ROOT, "≤ %.0f", MOST_MICROS);
      text.append(
          String.format(
              Locale.ROOT,
              "| %s | %.1f | %.1f | %s | %.1f | %.1f | %,.0f | %,.0f |%n",
              result.comparison().name(),
              result.floorCpuMicros(),
              result.addedCpuMicros(),
              kept ? promise : "**" + promise + " missed**",
              worker.floor().micros(),
              worker.addedMicros(),
              worker.floor().bytes(),
              worker.addedBytes()));
    }
    return text.append('\n').toString();
  }

  private static Supplier<Caller> client(int port, String path, Supplier<String> keys) {
    return client(port, path, "Idempotency-Key", keys);
  }

  private static Supplier<Caller> client(
      int port, String path, String header, Supplier<String> values) {
    return () -> new KeepAliveClient(port, path, header, values);
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }
}
