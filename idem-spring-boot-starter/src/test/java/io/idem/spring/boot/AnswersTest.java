package io.idem.spring.boot;

import static io.idem.spring.boot.ServedApplication.isReplay;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.boot.AnswersApplication.Endpoints;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is kept of the answers of Spring MVC, and what a repeat is given of them. */
class AnswersTest {

  private static ServedApplication application;
  private static Endpoints endpoints;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String name = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    application =
        ServedApplication.start(
            AnswersApplication.class,
            "server.compression.enabled=true",
            "server.compression.min-response-size=100",
            "idem.http.busy-status=429",
            "idem.http.retry-after=7s",
            "idem.http.releasing-statuses=400,404",
            "idem.http.server-errors=record");
    endpoints = application.bean(Endpoints.class);
  }

  @AfterAll
  static void stop() {
    application.close();
  }

  /** Spring Boot's page of an error says when it was made: to render it again changes it. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "/send-error/",
        "/send-error-leased/",
        "/status-exception/",
        "/annotated-exception/"
      })
  void p29_anErrorPageIsReplayedByteForByte(String path) throws Exception {
    HttpResponse<byte[]> first = post(path + name);
    HttpResponse<byte[]> repeat = post(path + name);

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).contains("\"timestamp\"", "\"path\":\"" + path + name + "\"");
    assertSame(first, repeat);
    assertThat(endpoints.runsOf(name)).isEqualTo(1);
  }

  /** A page for people, where the client asks for one. */
  @Test
  void p29_anErrorPageFollowsTheRequest() throws Exception {
    HttpRequest.Builder request = request("/send-error/" + name).header("Accept", "text/html");
    HttpResponse<byte[]> first = send(request);

    assertThat(first.headers().firstValue("Content-Type").orElse("")).startsWith("text/html");
    assertSame(first, send(request));
  }

  @Test
  void p29_aProblemDetailIsReplayedByteForByte() throws Exception {
    HttpResponse<byte[]> first = post("/problem-detail/" + name);

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(first.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertSame(first, post("/problem-detail/" + name));
  }

  @Test
  void p20_aRequestThatCannotBeBoundIsNotStored() throws Exception {
    HttpRequest.Builder wrong =
        request("/bound").setHeader("Content-Type", "application/json").POST(body("{\"name\":"));
    HttpRequest.Builder right =
        request("/bound")
            .setHeader("Content-Type", "application/json")
            .POST(body("{\"name\":\"" + name + "\"}"));

    assertThat(send(wrong).statusCode()).isEqualTo(400);
    assertThat(text(send(right))).isEqualTo(name + 1);
    assertThat(isReplay(send(right))).isTrue();
  }

  @Test
  void p21_theApplicationSaysWhatBecomesOfServerErrors() throws Exception {
    HttpResponse<byte[]> first = post("/inherited/" + name);

    assertThat(first.statusCode()).isEqualTo(502);
    assertSame(first, post("/inherited/" + name));
  }

  @Test
  void p21_anEndpointSaysWhatBecomesOfItsServerErrors() throws Exception {
    assertThat(text(post("/released/" + name))).isEqualTo("no bank 1");
    assertThat(text(post("/released/" + name))).isEqualTo("no bank 2");

    String other = UUID.randomUUID().toString();
    assertThat(text(post("/unknown/" + other))).isEqualTo("no bank 1");
    assertThat(text(post("/unknown/" + other))).contains("outcome-unknown");
    assertThat(endpoints.runsOf(other)).isEqualTo(1);
  }

  @Test
  void p21_aServerErrorIsRolledBackAndFreesTheKey() throws Exception {
    assertThat(text(post("/undone/" + name))).isEqualTo("no bank 1");
    assertThat(text(post("/undone/" + name))).isEqualTo("no bank 2");
    assertThat(endpoints.effectsOf(name)).isZero();
  }

  @Test
  void p21_aRecordedServerErrorCommitsWithWhatTheHandlerDid() throws Exception {
    assertSame(post("/committed/" + name), post("/committed/" + name));
    assertThat(endpoints.effectsOf(name)).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"404, true", "400, true", "403, false", "410, false"})
  void p21_theApplicationSaysWhichStatusesFreeTheKey(int status, boolean frees) throws Exception {
    String path = "/status/" + status + "/" + name;
    HttpResponse<byte[]> first = post(path);
    HttpResponse<byte[]> repeat = post(path);

    assertThat(first.statusCode()).isEqualTo(status);
    assertThat(repeat.statusCode()).isEqualTo(status);
    assertThat(isReplay(repeat)).isEqualTo(!frees);
    assertThat(endpoints.runsOf(name)).isEqualTo(frees ? 2 : 1);
  }

  @ParameterizedTest
  @CsvSource({"/busy, 429, 7", "/busy-in-its-own-way, 423, 2"})
  void p14_theStatusOfABusyKeyAndTheTimeToWaitAreSettings(String path, int status, String seconds)
      throws Exception {
    HttpResponse<byte[]> busy = whileOneRuns(path, request(path));

    assertThat(busy.statusCode()).isEqualTo(status);
    assertThat(text(busy)).contains("in-progress");
    assertThat(busy.headers().firstValue("Retry-After")).contains(seconds);
  }

  @Test
  void p27_aBrowserOfAnotherOriginCanReadWhenToAskAgain() throws Exception {
    HttpResponse<byte[]> busy =
        whileOneRuns("/busy", request("/busy").header("Origin", "http://shop.example"));

    assertThat(busy.headers().firstValue("Access-Control-Allow-Origin"))
        .contains("http://shop.example");
    assertThat(busy.headers().allValues("Access-Control-Expose-Headers"))
        .containsExactly("Retry-After");
  }

  @Test
  void p18_anAbandonedKeyIsRefused() throws Exception {
    post("/abandoned-refuse/" + name);
    HttpResponse<byte[]> repeat = post("/abandoned-refuse/" + name);

    assertThat(repeat.statusCode()).isEqualTo(409);
    assertThat(text(repeat)).contains("outcome-unknown");
    assertThat(endpoints.runsOf(name)).isEqualTo(1);
  }

  @Test
  void p18_anAbandonedKeyIsRunAgain() throws Exception {
    assertThat(text(post("/abandoned-retry/" + name))).isEqualTo("run 1");
    HttpResponse<byte[]> second = post("/abandoned-retry/" + name);

    assertThat(text(second)).isEqualTo("run 2");
    assertThat(isReplay(second)).isFalse();
    assertSame(second, post("/abandoned-retry/" + name));
  }

  @Test
  void p18_anAbandonedKeyIsRecovered() throws Exception {
    assertThat(text(post("/abandoned-recover/" + name))).isEqualTo("run 1");
    HttpResponse<byte[]> recovered = post("/abandoned-recover/" + name);

    assertThat(recovered.statusCode()).isEqualTo(201);
    assertThat(text(recovered)).isEqualTo("found");
    assertThat(recovered.headers().firstValue("Location")).contains("/found/1");
    assertSame(recovered, post("/abandoned-recover/" + name));
    assertThat(endpoints.runsOf(name)).isEqualTo(1);
  }

  @Test
  void p28_aReplayPrecedesIfMatch() throws Exception {
    HttpRequest.Builder request = request("/versioned").header("If-Match", "\"1\"");
    HttpResponse<byte[]> first = send(request);
    HttpResponse<byte[]> repeat = send(request);

    assertThat(first.statusCode()).isEqualTo(200);
    assertSame(first, repeat);
    assertThat(repeat.headers().firstValue("ETag")).contains("\"2\"");
    assertThat(send(request("/versioned", "another").header("If-Match", "\"1\"")).statusCode())
        .as("a new operation")
        .isEqualTo(412);
  }

  /** What the server compresses around the protocol. */
  @Test
  void p28_theServersContentCodingFollowsTheRetry() throws Exception {
    String key = UUID.randomUUID().toString();
    String path = "/compressible/" + name;
    HttpResponse<byte[]> plain = send(request(path, key));
    HttpResponse<byte[]> encoded = send(request(path, key).header("Accept-Encoding", "gzip"));

    assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
    assertThat(encoded.headers().firstValue("Content-Encoding")).contains("gzip");
    assertThat(isReplay(encoded)).isTrue();
    assertThat(unzipped(encoded)).isEqualTo(plain.body());
    assertSame(plain, send(request(path, key)));
  }

  /** What the handler encodes by itself. */
  @Test
  void p28_theHandlersContentCodingFollowsTheRetry() throws Exception {
    String key = UUID.randomUUID().toString();
    String path = "/encoded/" + name;
    HttpResponse<byte[]> first = send(request(path, key).header("Accept-Encoding", "gzip"));
    HttpResponse<byte[]> plain = send(request(path, key).header("Accept-Encoding", "gzip;q=0, br"));

    assertSame(first, send(request(path, key).header("Accept-Encoding", "br, x-gzip;q=0.5")));
    assertThat(isReplay(plain)).isTrue();
    assertThat(plain.headers().firstValue("Content-Encoding")).isEmpty();
    assertThat(plain.body()).isEqualTo(unzipped(first)).asString().isEqualTo(name + 1);
    assertThat(plain.headers().firstValue("ETag")).contains("W/\"1\"");
  }

  private HttpResponse<byte[]> whileOneRuns(String path, HttpRequest.Builder other)
      throws Exception {
    String key = UUID.randomUUID().toString();
    CompletableFuture<HttpResponse<byte[]>> first =
        client.sendAsync(request(path, key).build(), BodyHandlers.ofByteArray());
    endpoints.awaitEntered();
    try {
      return send(other.setHeader("Idempotency-Key", key));
    } finally {
      endpoints.letGo();
      assertThat(first.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    }
  }

  private static void assertSame(HttpResponse<byte[]> first, HttpResponse<byte[]> repeat) {
    assertThat(isReplay(repeat)).as(text(repeat)).isTrue();
    assertThat(repeat.statusCode()).isEqualTo(first.statusCode());
    assertThat(repeat.body()).isEqualTo(first.body());
    for (String header : new String[] {"Content-Type", "Content-Encoding", "Content-Length"}) {
      Optional<String> sent = first.headers().firstValue(header);
      assertThat(repeat.headers().firstValue(header)).as(header).isEqualTo(sent);
    }
  }

  private static byte[] unzipped(HttpResponse<byte[]> response) throws IOException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(response.body()))) {
      return in.readAllBytes();
    }
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private static HttpRequest.BodyPublisher body(String text) {
    return BodyPublishers.ofString(text);
  }

  /** A request under the key of this test. */
  private HttpRequest.Builder request(String path) {
    return request(path, name);
  }

  private static HttpRequest.Builder request(String path, String key) {
    return HttpRequest.newBuilder(application.base().resolve(path))
        .header("Idempotency-Key", key)
        .header("Content-Type", "text/plain")
        .POST(body(""));
  }

  private HttpResponse<byte[]> post(String path) throws IOException, InterruptedException {
    return send(request(path));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }
}
