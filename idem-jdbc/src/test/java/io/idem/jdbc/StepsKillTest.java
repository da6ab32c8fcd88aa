package io.idem.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.idem.testkit.Together;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** An operation of two steps whose process is killed, on PostgreSQL. */
class StepsKillTest {

  private final TestDatabase database = TestDatabase.postgresql();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final HttpServer systems;

  /** What each system was sent, in its order. */
  private final Map<String, List<String>> sent = new ConcurrentHashMap<>();

  /** The effects that a system had: one for each key that it was sent. */
  private final Map<String, Set<String>> effects = new ConcurrentHashMap<>();

  /** The system that answers its first caller only when the test is over. */
  private volatile String silent = "";

  private final CountDownLatch reached = new CountDownLatch(1);
  private final CountDownLatch over = new CountDownLatch(1);

  StepsKillTest() throws IOException {
    systems = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    systems.setExecutor(threads);
    systems.createContext("/", this::serve);
    systems.start();
  }

  @AfterEach
  void stop() {
    over.countDown();
    systems.stop(0);
    threads.shutdown();
    database.close();
  }

  private void serve(HttpExchange exchange) throws IOException {
    String what = exchange.getRequestURI().getPath().substring(1);
    String key = exchange.getRequestHeaders().getFirst("Idempotency-Key");
    List<String> all = sent.computeIfAbsent(what, name -> new CopyOnWriteArrayList<>());
    all.add(key);
    Set<String> had = effects.computeIfAbsent(what, name -> ConcurrentHashMap.newKeySet());
    had.add(key);
    if (what.equals(silent) && all.size() == 1) {
      reached.countDown();
      Together.await(over);
    }
    byte[] answer = (what + " " + had.size()).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(200, answer.length);
    exchange.getResponseBody().write(answer);
    exchange.close();
  }

  @Test
  void killedBetweenItsStepsItFinishesOnceAfterTheRestart() throws Exception {
    String key = UUID.randomUUID().toString();
    killIn("between", key);
    assertThat(sent).containsOnlyKeys("charge", "between");

    assertThat(restart(key)).isEqualTo("Ran[result=charge 1, recording=STORED]");

    assertThat(sent.get("charge")).as("resumed behind it").hasSize(1);
    assertThat(sent.get("between")).containsExactly("1", "2");
    assertThat(sent.get("ship")).hasSize(1);
    assertThat(here(key)).isEqualTo("Replayed[result=charge 1]");
    assertThat(sent.get("ship")).hasSize(1);
    assertThat(database.number("SELECT count(*) FROM idem_record"))
        .as("the operation and its steps; no journal")
        .isEqualTo(3);
  }

  @Test
  void killedInItsSecondStepItSendsTheSameKeyAgain() throws Exception {
    String key = UUID.randomUUID().toString();
    killIn("ship", key);

    assertThat(here(key)).isEqualTo("Ran[result=charge 1, recording=STORED]");

    assertThat(sent.get("charge")).hasSize(1);
    assertThat(sent.get("ship")).hasSize(2);
    assertThat(effects.get("ship")).as("by which it is known again").hasSize(1);
  }

  /** Runs the operation, and kills its process once a system has been reached. */
  private void killIn(String system, String key) throws Exception {
    silent = system;
    Process process = start(key);
    try {
      Together.await(reached);
    } finally {
      process.destroyForcibly(); // SIGKILL: nothing in the process gets to run any more
    }
    assertThat(process.waitFor(20, TimeUnit.SECONDS)).as("died in " + system).isTrue();
    assertThat(process.exitValue()).isNotZero();
  }

  /** Runs the operation to its end, and answers with the last line that the process wrote. */
  private String restart(String key) throws Exception {
    Process process = start(key);
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).as(output).isTrue();
      return output.strip().lines().reduce("", (before, last) -> last);
    } finally {
      process.destroyForcibly();
    }
  }

  /** Runs the operation in this process, as another node. */
  private String here(String key) {
    return StepsProcess.pay(database.dataSource(), systemsUrl(), key);
  }

  private URI systemsUrl() {
    return URI.create("http://127.0.0.1:" + systems.getAddress().getPort());
  }

  private Process start(String key) throws IOException, SQLException {
    String url;
    try (Connection connection = database.dataSource().getConnection()) {
      url = connection.getMetaData().getURL();
    }
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-cp",
            System.getProperty("java.class.path"),
            StepsProcess.class.getName(),
            url,
            systemsUrl().toString(),
            key)
        .redirectErrorStream(true)
        .start();
  }
}
