package io.idem.interop;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.Idempotent;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RestController;

/** The headers of OASIS Repeatable Requests, as they are on the wire. */
class RepeatableRequestsTest {

  private static final String RESULT = "Repeatability-Result";

  private static Service service;

  private final HttpClient client = HttpClient.newHttpClient();
  private final String firstSent =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.US)
          .format(ZonedDateTime.now(ZoneOffset.UTC));
  private final String work = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    service = Service.start(Application.class);
  }

  @AfterAll
  static void stop() {
    service.close();
  }

  @Test
  void p34_aRequestAndItsRepeatAreAccepted() throws Exception {
    HttpResponse<String> first = send(repeatable(work, firstSent, work));
    HttpResponse<String> repeat = send(repeatable(work, firstSent, work));

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.headers().allValues(RESULT)).containsExactly("accepted");
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(repeat.headers().allValues(RESULT)).containsExactly("accepted");
    assertThat(repeat.headers().firstValue("Idempotent-Replayed")).hasValue("true");
    assertThat(service.desk().runs(work)).isEqualTo(1);
  }

  @Test
  void p34_aRepeatOfARunningRequestIsAcceptedAndToldToWait() throws Exception {
    Desk.Held held = service.desk().hold(work);
    CompletableFuture<HttpResponse<String>> first =
        client.sendAsync(repeatable(work, firstSent, work), BodyHandlers.ofString());
    held.awaitRun();

    HttpResponse<String> busy = send(repeatable(work, firstSent, work));
    held.letGo();

    assertThat(busy.statusCode()).isEqualTo(409);
    assertThat(busy.headers().allValues(RESULT)).containsExactly("accepted");
    assertThat(busy.headers().firstValue("Retry-After")).isPresent();
    assertThat(first.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
  }

  @Test
  void p34_anotherRequestUnderTheIdIsRejected() throws Exception {
    send(repeatable(work, firstSent, work));

    HttpResponse<String> other = send(repeatable(work, firstSent, work + " more"));

    assertThat(other.statusCode()).isEqualTo(422);
    assertThat(other.headers().allValues(RESULT)).containsExactly("rejected");
    assertThat(other.headers().firstValue("Content-Type")).hasValue("application/problem+json");
    assertThat(service.desk().runs(work + " more")).isZero();
  }

  @Test
  void p34_withoutTheTimeOfTheFirstAttemptARequestIsRejected() throws Exception {
    HttpResponse<String> undated = send(request(work).header("Repeatability-Request-ID", work));
    HttpResponse<String> misdated = send(repeatable(work, "2026-01-01T00:00:00Z", work));
    HttpResponse<String> unnamed = send(request(work));

    assertThat(undated.statusCode()).isEqualTo(400);
    assertThat(undated.body()).contains("key-malformed", "Repeatability-First-Sent");
    assertThat(misdated.body()).contains("key-malformed", "Repeatability-First-Sent");
    assertThat(unnamed.body()).contains("key-missing", "Repeatability-Request-ID");
    for (HttpResponse<String> refused : List.of(undated, misdated, unnamed)) {
      assertThat(refused.headers().allValues(RESULT)).containsExactly("rejected");
    }
    assertThat(service.desk().runs(work)).isZero();
  }

  private HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return send(request.build());
  }

  private HttpResponse<String> send(HttpRequest request) throws Exception {
    return client.send(request, BodyHandlers.ofString());
  }

  private static HttpRequest repeatable(String id, String firstSent, String body) {
    return request(body)
        .header("Repeatability-Request-ID", id)
        .header("Repeatability-First-Sent", firstSent)
        .build();
  }

  private static HttpRequest.Builder request(String body) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + "/messages"))
        .header("Content-Type", "text/plain")
        .POST(BodyPublishers.ofString(body));
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Messages.class)
  static class Application {}

  @RestController
  static class Messages {

    private final Desk desk;

    Messages(Desk desk) {
      this.desk = desk;
    }

    @PostMapping("/messages")
    @Idempotent(dialect = "oasis", caller = Idempotent.Caller.SHARED, waitAtMost = "0")
    String send(@RequestBody String body) {
      desk.run(body);
      return UUID.randomUUID().toString();
    }
  }
}
