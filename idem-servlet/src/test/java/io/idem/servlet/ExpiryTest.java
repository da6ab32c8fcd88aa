package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.http.StaleGuard;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Points 31 and 32: how long a key counts. */
class ExpiryTest extends ServerTest {

  private static final Instant NOW = Instant.parse("2024-08-06T13:00:00Z");

  @BeforeEach
  void setClock() {
    server.clock = () -> NOW;
  }

  @Test
  void p31_theRetentionIsPublished() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.retention(Duration.ofDays(7)),
        endpoint -> endpoint.keyOptional(),
        (request, response) ->
            response.setStatus("fail".equals(request.getQueryString()) ? 403 : 201));

    HttpResponse<byte[]> first = server.post("/pay", "k");
    HttpResponse<byte[]> repeat = server.post("/pay", "k");
    HttpResponse<byte[]> freed = server.post("/pay?fail", "k2");
    HttpResponse<byte[]> withoutKey = server.send(server.request("/pay").POST(body("{}")));

    assertThat(lifetimes(first)).containsExactly("PT168H");
    assertReplayed(repeat);
    assertThat(lifetimes(repeat)).containsExactly("PT168H");
    assertThat(freed.statusCode()).isEqualTo(403);
    assertThat(lifetimes(freed)).as("a key that is free has no lifetime").isEmpty();
    assertThat(lifetimes(withoutKey)).isEmpty();
  }

  @Test
  void p31_aScriptOfAnotherOriginCanReadIt() throws Exception {
    server.protect("/pay", (request, response) -> {});

    String answer =
        server.raw(rawPost("/pay", "Idempotency-Key: k\r\nOrigin: http://shop.example\r\n", "{}"));

    assertThat(answer).contains("Access-Control-Expose-Headers: Idempotency-Key-Lifetime\r\n");
  }

  @Test
  void p31_theRetentionMayBeKeptToOneself() throws Exception {
    server.stop();
    server = new TestServer(store, "", settings -> settings.publishRetention(false));
    server.protect("/pay", (request, response) -> {});

    assertThat(lifetimes(server.post("/pay", "k"))).isEmpty();
    assertThat(lifetimes(server.post("/pay", "k"))).isEmpty();
  }

  @Test
  void p32_expiredMeansAbsent() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.retention(Duration.ofMillis(200)),
        endpoint -> endpoint,
        (request, response) -> {});

    server.post("/pay", "k");
    long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
    while (server.runs.get() < 2 && System.nanoTime() < deadline) {
      assertThat(server.post("/pay", "k").statusCode()).isEqualTo(200);
    }

    assertThat(server.runs).hasValue(2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Tue, 06 Aug 2024 13:00:00 GMT | 200",
        "Tue, 06 Aug 2024 12:00:00 GMT | 200",
        "Tue, 06 Aug 2024 13:05:00 GMT | 200",
        "Tue, 06 Aug 2024 11:59:59 GMT | 412",
        "Mon, 05 Aug 2024 13:00:00 GMT | 412",
        "Tue, 06 Aug 2024 13:05:01 GMT | 412",
      })
  void p32_theTimeOfTheFirstAttemptHasToLieInTheWindow(String firstSent, int status)
      throws Exception {
    protect(StaleGuard.within(Duration.ofHours(1)));

    HttpResponse<byte[]> answer = send("k", firstSent);

    if (status == 412) {
      assertProblem(answer, 412, "stale-request");
      assertThat(text(answer)).contains("\"retryable\":false");
    } else {
      assertThat(answer.statusCode()).isEqualTo(status);
    }
    assertThat(server.runs).hasValue(status == 200 ? 1 : 0);
  }

  @ParameterizedTest
  @CsvSource({"0, 200", "-3600000, 200", "-3600001, 412", "300000, 200", "300001, 412"})
  void p32_theTimeInsideOfAKeyHasToLieInTheWindow(long millisFromNow, int status) throws Exception {
    protect(StaleGuard.within(Duration.ofHours(1)));

    assertThat(server.post("/pay", uuidV7(NOW.plusMillis(millisFromNow))).statusCode())
        .isEqualTo(status);
    assertThat(server.runs).hasValue(status == 200 ? 1 : 0);
  }

  /** A client that dates each attempt anew does not rejuvenate its key. */
  @Test
  void p32_aHeaderDoesNotRejuvenateAKey() throws Exception {
    protect(StaleGuard.within(Duration.ofHours(1)));

    assertProblem(
        send(uuidV7(NOW.minusSeconds(3601)), "Tue, 06 Aug 2024 13:00:00 GMT"),
        412,
        "stale-request");
  }

  @Test
  void p32_aRepeatInsideOfTheWindowIsReplayedAndOneOutsideIsNot() throws Exception {
    protect(StaleGuard.within(Duration.ofHours(1)));
    String key = uuidV7(NOW);
    server.post("/pay", key);

    server.clock = () -> NOW.plus(Duration.ofHours(1));
    assertReplayed(server.post("/pay", key));

    server.clock = () -> NOW.plus(Duration.ofHours(1)).plusMillis(1);
    assertProblem(server.post("/pay", key), 412, "stale-request");
    assertThat(server.runs).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "yesterday",
        "2024-08-06T13:00:00Z",
        "Tue, 6 Aug 2024 13:00:00 GMT",
        "Mon, 06 Aug 2024 13:00:00 GMT",
        "Tue, 06 Aug 2024 13:00:00 +0000",
        "Tue, 30 Feb 2024 13:00:00 GMT",
      })
  void p32_aTimeThatCannotBeReadIsRefused(String firstSent) throws Exception {
    protect(StaleGuard.within(Duration.ofHours(1)));

    HttpResponse<byte[]> refused = send("k", firstSent);

    assertProblem(refused, 400, "key-malformed");
    assertThat(text(refused)).contains("Repeatability-First-Sent");
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p32_aRequestThatDoesNotTellItsTimeIsRefusedOnlyWhereItMust() throws Exception {
    server.protect(
        "/strict",
        endpoint ->
            endpoint.staleGuard(new StaleGuard(Duration.ofHours(1), Duration.ofMinutes(5), true)),
        (request, response) -> {});
    protect(StaleGuard.within(Duration.ofHours(1)));

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(200);
    assertProblem(server.post("/strict", "k"), 400, "key-missing");
  }

  @Test
  void p32_withoutAGuardAgeDoesNotCount() throws Exception {
    server.protect("/pay", (request, response) -> {});

    assertThat(send(uuidV7(Instant.EPOCH), "Tue, 06 Aug 1974 13:00:00 GMT").statusCode())
        .isEqualTo(200);
  }

  @Test
  void p32_aWindowBeyondTheRetentionIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> protect(StaleGuard.within(Duration.ofHours(25))))
        .withMessageContaining("PT25H")
        .withMessageContaining("PT24H");
    // A clock that may be ahead makes a request look younger than its record.
    assertThatIllegalArgumentException()
        .isThrownBy(() -> protect(StaleGuard.within(Duration.ofHours(24))))
        .withMessageContaining("PT5M");
    protect(StaleGuard.within(Duration.ofHours(24).minus(StaleGuard.DEFAULT_AHEAD)));
  }

  private void protect(StaleGuard guard) {
    server.protect("/pay", endpoint -> endpoint.staleGuard(guard), (request, response) -> {});
  }

  private HttpResponse<byte[]> send(String key, String firstSent) throws Exception {
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Idempotency-Key", key)
            .header("Repeatability-First-Sent", firstSent)
            .POST(body("{}"));
    return server.send(request);
  }

  private static List<String> lifetimes(HttpResponse<byte[]> response) {
    return response.headers().allValues("Idempotency-Key-Lifetime");
  }

  private static String uuidV7(Instant time) {
    long millis = time.toEpochMilli();
    return String.format("%08x-%04x-7000-8000-000000000001", millis >>> 16, millis & 0xFFFF);
  }
}
