package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.examples.payments.Service.Answer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What the page is built on: tokens for its forms, and a network that fails on demand. */
abstract class NetworkCases {

  private static final String PAYMENT =
      """
      {"from":"alice","to":"bob","amount":1250,"currency":"EUR","reference":"Flaky"}
      """;

  abstract Service service();

  abstract JdbcClient jdbc();

  abstract int port();

  // ---- tokens

  @Test
  void aTokenIsAKeyOfItsCaller() {
    String token = token("alice");

    Answer first = pay("alice", token, null);
    Answer repeat = pay("alice", token, null);

    assertThat(first.status()).isEqualTo(201);
    assertThat(first.header("Idempotent-Replayed")).isEmpty();
    assertReplayed(repeat);
    assertThat(repeat.response().body()).isEqualTo(first.response().body());
    assertThat(pay("bob", token, null).text("type")).endsWith("/token-foreign");
    assertThat(payments()).isOne();
  }

  /** A form that was open when the service ended is still good: its token is signed as before. */
  @Test
  void tokensAreSignedWithTheKeyOfTheDemonstration() {
    byte[] token = Base64.getUrlDecoder().decode(token("alice").substring("idt1.".length()));

    assertThat(new String(token, StandardCharsets.ISO_8859_1)).contains("demo");
  }

  // ---- a bad line

  @Test
  void whoseAnswerIsDroppedGetsNoByteOfItAndPaysOnce() throws IOException {
    String key = UUID.randomUUID().toString();

    assertThat(answerBytes(key, "drop-answer")).isEmpty();

    assertThat(payments()).isOne();
    assertReplayed(pay("alice", key, null));
    assertThat(payments()).isOne();
  }

  /** The request that does not ask for it is answered on the very same line. */
  @Test
  void withoutTheHeaderTheSameRequestIsAnswered() throws IOException {
    assertThat(new String(answerBytes(UUID.randomUUID().toString(), null), StandardCharsets.UTF_8))
        .startsWith("HTTP/1.1 201");
    assertThat(payments()).isOne();
  }

  @Test
  void aRefusalCanBeLostAsWell() throws IOException {
    assertThat(answerBytes("", "drop-answer")).isEmpty();
    assertThat(payments()).isZero();
  }

  @Test
  void requestAndAnswerAreDelayedAndNothingElseIsChanged() {
    String key = UUID.randomUUID().toString();
    long start = System.nanoTime();

    Answer slow = pay("alice", key, "delay-request=150, slow=50, delay-answer=150");

    assertThat(Duration.ofNanos(System.nanoTime() - start))
        .isGreaterThanOrEqualTo(Duration.ofMillis(350));
    assertThat(slow.status()).isEqualTo(201);
    Answer repeat = pay("alice", key, null);
    assertReplayed(repeat);
    assertThat(repeat.response().body()).isEqualTo(slow.response().body());
    assertThat(payments()).isOne();
  }

  @Test
  void whatIsNoFaultIsRefusedAndLeavesTheKeyFree() {
    String key = UUID.randomUUID().toString();

    Answer refused = pay("alice", key, "explode");

    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.header("Content-Type")).startsWith("application/problem+json");
    assertThat(refused.text("type")).isEqualTo("/problems.html#invalid-parameter");
    assertThat(payments()).isZero();
    assertThat(pay("alice", key, null).header("Idempotent-Replayed")).isEmpty();
  }

  @Test
  void noOtherPathOrMethodHasABadLine() {
    Service service = service();

    for (String path : new String[] {"/api/payments", "/api/ledger", "/", "/actuator/health"}) {
      assertThat(service.send(dropped(path).GET()).status()).as(path).isEqualTo(200);
    }
    assertThat(
            service
                .send(dropped("/api/orders").POST(BodyPublishers.ofString("{}")))
                .header("Content-Type"))
        .startsWith("application/problem+json");
    assertThat(
            service
                .send(
                    dropped("/idempotency/tokens?operation=" + PaymentController.OPERATION)
                        .POST(BodyPublishers.noBody()))
                .status())
        .isEqualTo(200);
  }

  private HttpRequest.Builder dropped(String path) {
    return service()
        .request(path, "alice")
        .header("Content-Type", "application/json")
        .header(NetworkFaults.HEADER, "drop-answer");
  }

  private String token(String user) {
    Answer issued =
        service()
            .send(
                service()
                    .request("/idempotency/tokens?operation=" + PaymentController.OPERATION, user)
                    .POST(BodyPublishers.noBody()));
    assertThat(issued.status()).as(issued.response().body()).isEqualTo(200);
    assertThat(issued.text("header")).isEqualTo("Idempotency-Key");
    return issued.text("token");
  }

  private Answer pay(String user, String key, @Nullable String faults) {
    HttpRequest.Builder request =
        service()
            .request("/api/payments", user)
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.ofString(PAYMENT));
    if (faults != null) {
      request.header(NetworkFaults.HEADER, faults);
    }
    return service().send(request);
  }

  /** All that comes back on a connection of its own until the service closes it. */
  private byte[] answerBytes(String key, @Nullable String faults) throws IOException {
    String head =
        "POST /api/payments HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
            + "Authorization: Basic "
            + Base64.getEncoder().encodeToString("alice:alice".getBytes(StandardCharsets.UTF_8))
            + "\r\nContent-Type: application/json\r\nContent-Length: "
            + PAYMENT.length()
            + "\r\nIdempotency-Key: "
            + key
            + (faults == null ? "" : "\r\n" + NetworkFaults.HEADER + ": " + faults)
            + "\r\n\r\n";
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port())) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write((head + PAYMENT).getBytes(StandardCharsets.UTF_8));
      return socket.getInputStream().readAllBytes();
    }
  }

  private static void assertReplayed(Answer answer) {
    assertThat(answer.status()).isEqualTo(201);
    assertThat(answer.header("Idempotent-Replayed")).isEqualTo("true");
  }

  private long payments() {
    return jdbc().sql("select count(*) from payment").query(Long.class).single();
  }
}
