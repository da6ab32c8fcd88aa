package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.boot.AsyncApplication.Work;
import io.idem.spring.boot.SecuredApplication.Roles;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Point 29 for every asynchronous kind of handler, behind Spring Security, on each leased store.
 */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class AsyncEndpointContract {

  private final HttpClient client = HttpClient.newHttpClient();
  private ConfigurableApplicationContext context;
  private Work work;
  private URI base;

  /** Where the keys are. */
  abstract String[] store();

  @BeforeAll
  void start() {
    List<String> properties = new ArrayList<>(List.of(store()));
    properties.addAll(
        List.of(
            "server.port=0",
            "server.address=127.0.0.1",
            "idem.http.max-stored-size=2KB",
            "spring.main.banner-mode=off"));
    context =
        new SpringApplicationBuilder(AsyncApplication.class)
            .properties(properties.toArray(String[]::new))
            .run();
    work = context.getBean(Work.class);
    context.getBean(Roles.class).grant("alice", "PAYER");
    base =
        URI.create("http://127.0.0.1:" + context.getEnvironment().getProperty("local.server.port"));
  }

  @AfterAll
  void stop() {
    context.close();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "callable",
        "deferred",
        "task",
        "future",
        "stage",
        "mono",
        "entity",
        "single",
        "maybe"
      })
  void p29_whatIsAnsweredLaterIsStoredAsItIsSent(String kind) throws Exception {
    String name = UUID.randomUUID().toString();
    HttpResponse<String> first = post("/" + kind + "/answer/" + name, name);
    HttpResponse<String> repeat = post("/" + kind + "/answer/" + name, name);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.body()).isEqualTo("{\"text\":\"" + name + "\",\"run\":1}");
    assertThat(first.headers().firstValue("X-There")).contains("ASYNC alice");
    assertSame(first, repeat);
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  @Test
  void p29_anEmptyAnswerThatComesLaterIsStored() throws Exception {
    String name = UUID.randomUUID().toString();
    HttpResponse<String> first = post("/completable/answer/" + name, name);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(first.body()).isEmpty();
    assertSame(first, post("/completable/answer/" + name, name));
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "callable",
        "deferred",
        "task",
        "future",
        "stage",
        "mono",
        "entity",
        "single",
        "maybe"
      })
  void p29_whatAnExceptionHandlerMakesOfAFailureIsStored(String kind) throws Exception {
    String name = UUID.randomUUID().toString();
    HttpResponse<String> first = post("/" + kind + "/refused/" + name, name);

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(first.body()).isEqualTo("not with us");
    assertSame(first, post("/" + kind + "/refused/" + name, name));
    assertThat(work.runsOf(name)).isEqualTo(1);

    String other = UUID.randomUUID().toString();
    assertThat(post("/" + kind + "/broken/" + other, other).statusCode()).isEqualTo(502);
    assertThat(post("/" + kind + "/broken/" + other, other).body()).contains("outcome-unknown");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "callable",
        "deferred",
        "task",
        "future",
        "stage",
        "mono",
        "entity",
        "single",
        "maybe"
      })
  void p14_aDuplicateWaitsForAnAsynchronousHandler(String kind) throws Exception {
    String name = UUID.randomUUID().toString();
    HttpRequest request = request("/" + kind + "/held/" + name, name);
    CompletableFuture<HttpResponse<String>> first =
        client.sendAsync(request, BodyHandlers.ofString());
    work.awaitEntered();
    CompletableFuture<HttpResponse<String>> second =
        client.sendAsync(request, BodyHandlers.ofString());
    work.letGo();

    assertThat(first.get(30, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertSame(first.get(), second.get(30, TimeUnit.SECONDS));
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"callable", "deferred", "mono"})
  void p24_anOversizeAnswerIsDeliveredOnceAndNeverRunAgain(String kind) throws Exception {
    String name = UUID.randomUUID().toString();

    assertThat(post("/" + kind + "/large/" + name, name).body()).contains("x".repeat(5_000));
    assertThat(post("/" + kind + "/large/" + name, name).body()).contains("answer-not-stored");
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"callable", "deferred", "mono"})
  void p23_aClientThatHangsUpChangesNothing(String kind) throws Exception {
    String name = UUID.randomUUID().toString();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), base.getPort())) {
      socket
          .getOutputStream()
          .write(
              ("POST /"
                      + kind
                      + "/held/"
                      + name
                      + " HTTP/1.1\r\nHost: localhost\r\nX-User: alice\r\nContent-Length: 0\r\n"
                      + "Idempotency-Key: "
                      + name
                      + "\r\n\r\n")
                  .getBytes(StandardCharsets.ISO_8859_1));
      work.awaitEntered();
    }
    work.letGo();

    HttpResponse<String> repeat = post("/" + kind + "/held/" + name, name);
    assertThat(repeat.headers().firstValue("Idempotent-Replayed")).contains("true");
    assertThat(repeat.body()).contains(name);
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  private HttpResponse<String> post(String path, String key) throws Exception {
    return client.send(request(path, key), BodyHandlers.ofString());
  }

  private HttpRequest request(String path, String key) {
    return HttpRequest.newBuilder(base.resolve(path))
        .header("Idempotency-Key", key)
        .header("X-User", "alice")
        .POST(BodyPublishers.noBody())
        .build();
  }

  private static void assertSame(HttpResponse<String> first, HttpResponse<String> repeat) {
    assertThat(repeat.headers().firstValue("Idempotent-Replayed")).contains("true");
    assertThat(repeat.statusCode()).isEqualTo(first.statusCode());
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(repeat.headers().firstValue("Content-Type"))
        .isEqualTo(first.headers().firstValue("Content-Type"));
  }
}
