package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.examples.payments.Service.Answer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Every payment is taken exactly once, by the packaged service in a process that can be killed. */
@TestInstance(Lifecycle.PER_CLASS)
abstract class ExactlyOnceContract {

  private static final long OPENING = LedgerSchema.OPENING_BALANCE;
  private static final int KILLS = 5;
  private static final int PAYMENTS_PER_LIFE = 40;

  @SuppressWarnings("NullAway.Init") // set before the first test
  private ServiceProcess process;

  private long aliceBefore;
  private long bobBefore;

  /** What makes the service use the database under test; the same database every time. */
  abstract String[] arguments();

  @BeforeAll
  void start() {
    process = ServiceProcess.startPackaged(arguments());
  }

  @AfterAll
  void stop() {
    process.close();
  }

  @BeforeEach
  void rememberBalances() {
    aliceBefore = balance("alice");
    bobBefore = balance("bob");
  }

  @Test
  void twoHundredSimultaneousRequestsMoveTheMoneyOnce() {
    String key = key();

    List<Answer> answers = Callers.atOnce(200, () -> pay("alice", "bob", 1250, key));

    assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isIn(201, 409));
    List<Answer> paid = answers.stream().filter(answer -> answer.status() == 201).toList();
    assertThat(paid).isNotEmpty();
    assertThat(paid.stream().map(answer -> answer.response().body()).distinct()).hasSize(1);
    assertThat(paid.stream().map(answer -> answer.header("Location")).distinct()).hasSize(1);
    assertThat(paid.stream().filter(answer -> !isReplayed(answer)))
        .as("answers of the run itself")
        .hasSize(1);
    assertThat(answers.stream().filter(answer -> answer.status() == 409))
        .allSatisfy(answer -> assertThat(answer.header("Retry-After")).matches("[1-9][0-9]*"));
    assertMoved(1250);
  }

  @Test
  void aStormOnOneKeyLeavesTheOthersAlone() {
    String hot = key();
    List<String> keys = IntStream.range(0, 50).mapToObj(i -> key()).toList();
    AtomicInteger next = new AtomicInteger();

    List<Answer> answers =
        Callers.atOnce(
            200,
            () -> {
              int i = next.getAndIncrement();
              return pay("alice", "bob", 1, i % 4 == 0 ? keys.get(i / 4) : hot);
            });

    assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isIn(201, 409));
    keys.forEach(key -> assertThat(pay("alice", "bob", 1, key).status()).isEqualTo(201));
    assertMoved(51);
  }

  @Test
  void aRepeatIsGivenTheSameBytes() {
    String key = key();
    Answer first = pay("alice", "bob", 100, key);

    Answer repeat = pay("alice", "bob", 100, key);

    assertThat(first.status()).isEqualTo(201);
    assertThat(isReplayed(first)).isFalse();
    assertThat(repeat.status()).isEqualTo(201);
    assertThat(isReplayed(repeat)).isTrue();
    assertThat(repeat.response().body()).isEqualTo(first.response().body());
    assertThat(repeat.header("Location")).isEqualTo(first.header("Location"));
    assertThat(repeat.header("Content-Type")).isEqualTo(first.header("Content-Type"));
    assertMoved(100);
  }

  @Test
  void theQuotedSpellingIsTheSameKey() {
    String key = key();
    pay("alice", "bob", 100, key);

    assertThat(isReplayed(pay("alice", "bob", 100, '"' + key + '"'))).isTrue();
    assertMoved(100);
  }

  @Test
  void anotherAmountUnderTheKeyIsRefused() {
    String key = key();
    Answer first = pay("alice", "bob", 100, key);

    Answer other = pay("alice", "bob", 101, key);

    assertProblem(other, 422);
    assertThat(pay("alice", "bob", 100, key).response().body()).isEqualTo(first.response().body());
    assertMoved(100);
  }

  @Test
  void theSameKeyFromAnotherCallerIsAnOperationOfItsOwn() {
    String key = key();
    Answer alices = pay("alice", "bob", 100, key);

    Answer bobs =
        post("bob", "{\"from\":\"bob\",\"to\":\"alice\",\"amount\":30,\"currency\":\"EUR\"}", key);

    assertThat(bobs.status()).isEqualTo(201);
    assertThat(isReplayed(bobs)).isFalse();
    assertThat(bobs.text("id")).isNotEqualTo(alices.text("id"));
    assertMoved(70);
  }

  @Test
  void aRejectionIsRecordedAndRepeated() {
    String key = key();
    long tooMuch = aliceBefore + 1;
    Answer first = pay("alice", "bob", tooMuch, key);
    assertProblem(first, 402);

    Answer fromBob =
        post("bob", "{\"from\":\"bob\",\"to\":\"alice\",\"amount\":1,\"currency\":\"EUR\"}", key());
    Answer repeat = pay("alice", "bob", tooMuch, key);

    assertThat(fromBob.status()).isEqualTo(201); // now the money would be there
    assertThat(repeat.status()).isEqualTo(402);
    assertThat(isReplayed(repeat)).isTrue();
    assertThat(repeat.response().body()).isEqualTo(first.response().body());
    assertMoved(-1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"from\":\"alice\",\"to\":\"bob\",\"amount\":-5,\"currency\":\"EUR\"}",
        "{\"from\":\"alice\",\"to\":\"nobody\",\"amount\":5,\"currency\":\"EUR\"}",
        "{\"from\":\"alice\",\"to\":",
        "[]",
        "",
      })
  void invalidInputLeavesTheKeyFree(String body) {
    String key = key();

    assertProblem(post("alice", body, key), 400);

    assertThat(pay("alice", "bob", 10, key).status()).isEqualTo(201);
    assertMoved(10);
  }

  @Test
  void anotherAccountIsForbiddenAndTheKeyStaysFree() {
    String key = key();

    assertProblem(pay("alice", "bob", "alice", 5, key), 403);

    assertThat(pay("alice", "bob", 10, key).status()).isEqualTo(201);
    assertMoved(10);
  }

  @Test
  void withoutCredentialsNothingIsLookedUp() {
    String key = key();
    pay("alice", "bob", 10, key);

    Answer answer =
        process
            .client()
            .send(
                process
                    .client()
                    .request("/api/payments", "alice", "wrong")
                    .header("Idempotency-Key", key)
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString(body("alice", "bob", 10))));

    assertThat(answer.status()).isEqualTo(401);
    assertMoved(10);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "Idempotency-Key: \r\n",
        "Idempotency-Key: \"\"\r\n",
        "Idempotency-Key: \"unclosed\r\n",
        "Idempotency-Key: a,b\r\n",
        "Idempotency-Key: a\r\nIdempotency-Key: b\r\n",
        "Idempotency-Key: a\r\nIdempotency-Key: a\r\n",
        "Idempotency-Key: a\tb\r\n",
        "Idempotency-Key: \u00e9\r\n",
        "256 characters",
      })
  void anUnusableKeyIsRefusedWithAReason(String headers) {
    String sent =
        headers.startsWith("256") ? "Idempotency-Key: " + "k".repeat(256) + "\r\n" : headers;

    RawAnswer answer = raw(sent, body("alice", "bob", 10));

    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.head()).contains("application/problem+json");
    assertThat(Service.JSON.readTree(answer.body()).path("detail").asString("")).isNotBlank();
    assertMoved(0);
  }

  @Test
  void aControlCharacterInTheKeyIsRefused() {
    // The server itself may refuse the header before any application sees it.
    assertThat(raw("Idempotency-Key: a\u0001b\r\n", body("alice", "bob", 10)).status())
        .isEqualTo(400);
    assertMoved(0);
  }

  @Test
  void aKeyOf255CharactersIsFine() {
    assertThat(pay("alice", "bob", 10, "k".repeat(219) + key()).status()).isEqualTo(201);
    assertMoved(10);
  }

  @Test
  void aBodyOverTheLimitIsRefusedAndTheKeyStaysFree() {
    String key = key();

    Answer answer = post("alice", " ".repeat(2 << 20) + body("alice", "bob", 10), key);

    assertProblem(answer, 413);
    assertThat(pay("alice", "bob", 10, key).status()).isEqualTo(201);
    assertMoved(10);
  }

  /**
   * At any moment: the kill comes after a random number of answers, while others are under way. The
   * numbers are repeated with {@code -Didem.seed=…}.
   */
  @Test
  void killedAtAnyMomentEveryPaymentIsTakenExactlyOnce() {
    long seed = Long.getLong("idem.seed", System.nanoTime());
    Random random = new Random(seed);
    List<String> keys = new ArrayList<>();
    List<String> acknowledged = new ArrayList<>();
    for (int life = 0; life < KILLS; life++) {
      List<String> fresh = IntStream.range(0, PAYMENTS_PER_LIFE).mapToObj(i -> key()).toList();
      keys.addAll(fresh);
      acknowledged.addAll(payUntilKilled(fresh, 1 + random.nextInt(PAYMENTS_PER_LIFE - 1)));
      process = ServiceProcess.start(arguments());
    }

    for (String key : keys) {
      Answer answer = pay("alice", "bob", 1, key);
      assertThat(answer.status())
          .as("seed %d, key %s: %s", seed, key, answer.response().body())
          .isEqualTo(201);
      if (acknowledged.contains(key)) {
        assertThat(isReplayed(answer)).as("acknowledged before the kill, seed %d", seed).isTrue();
      }
    }

    assertThat(acknowledged).as("payments answered before a kill, seed %d", seed).isNotEmpty();
    assertMoved(keys.size());
  }

  /** The keys whose payment was answered before the process died. */
  private List<String> payUntilKilled(List<String> keys, int answersBeforeTheKill) {
    List<String> answered = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch enough = new CountDownLatch(answersBeforeTheKill);
    AtomicInteger next = new AtomicInteger();
    ExecutorService clients = Executors.newFixedThreadPool(8);
    try {
      for (int i = 0; i < 8; i++) {
        clients.execute(
            () -> {
              for (int k; (k = next.getAndIncrement()) < keys.size(); ) {
                try {
                  if (pay("alice", "bob", 1, keys.get(k)).status() == 201) {
                    answered.add(keys.get(k));
                  }
                } catch (UncheckedIOException killed) {
                  return; // no answer: the outcome is for the restarted service to tell
                } finally {
                  enough.countDown();
                }
              }
            });
      }
      assertThat(enough.await(60, TimeUnit.SECONDS)).as("answers before the kill").isTrue();
      process.kill();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    } finally {
      Callers.end(clients);
    }
    return List.copyOf(answered);
  }

  private Answer pay(String from, String to, long amount, String key) {
    return pay(from, from, to, amount, key);
  }

  private Answer pay(String user, String from, String to, long amount, String key) {
    return post(user, body(from, to, amount), key);
  }

  private static String body(String from, String to, long amount) {
    return "{\"from\":\"%s\",\"to\":\"%s\",\"amount\":%d,\"currency\":\"EUR\",\"reference\":\"once\"}"
        .formatted(from, to, amount);
  }

  private Answer post(String user, String body, String key) {
    Service client = process.client();
    return client.send(
        client
            .request("/api/payments", user)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.ofString(body)));
  }

  private long balance(String account) {
    return process
        .client()
        .get(account, "/api/accounts/" + account)
        .json()
        .path("balance")
        .asLong();
  }

  /** From alice to bob, all in all; and nothing appeared or vanished. */
  private void assertMoved(long amount) {
    assertThat(balance("alice")).as("alice").isEqualTo(aliceBefore - amount);
    assertThat(balance("bob")).as("bob").isEqualTo(bobBefore + amount);
    assertThat(aliceBefore + bobBefore).isEqualTo(2 * OPENING);
  }

  private static void assertProblem(Answer answer, int status) {
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.json().path("status").asInt()).isEqualTo(status);
    assertThat(answer.text("detail")).isNotBlank();
  }

  private static boolean isReplayed(Answer answer) {
    return answer.header("Idempotent-Replayed").equals("true");
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }

  private record RawAnswer(int status, String head, String body) {}

  /** Sends what a client library would refuse to send. */
  private RawAnswer raw(String headers, String body) {
    String credentials =
        Base64.getEncoder().encodeToString("alice:alice".getBytes(StandardCharsets.UTF_8));
    String request =
        "POST /api/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            + ("Authorization: Basic " + credentials + "\r\n")
            + "Content-Type: application/json\r\n"
            + ("Content-Length: " + body.length() + "\r\n")
            + headers
            + "\r\n"
            + body;
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), process.port())) {
      socket.setSoTimeout(30_000);
      OutputStream out = socket.getOutputStream();
      out.write(request.getBytes(StandardCharsets.ISO_8859_1));
      out.flush();
      String answer =
          new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      int end = answer.indexOf("\r\n\r\n");
      assertThat(end).as("an answer with a head").isPositive();
      String text = answer.substring(end + 4);
      int json = text.indexOf('{'); // past the length of a chunk
      return new RawAnswer(
          Integer.parseInt(answer.substring(9, 12)),
          answer.substring(0, end),
          json < 0 ? "" : text.substring(json, text.lastIndexOf('}') + 1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
