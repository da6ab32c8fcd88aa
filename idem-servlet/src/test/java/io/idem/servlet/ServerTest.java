package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;

/** A server for each test, and what the tests ask of it. */
@Timeout(60)
abstract class ServerTest {

  static final String JSON = "application/json";

  final GatedStore store = new GatedStore();
  TestServer server;

  @BeforeEach
  final void start() throws Exception {
    server = new TestServer(store);
  }

  @AfterEach
  final void stop() throws Exception {
    server.stop();
  }

  final HttpResponse<byte[]> upload(String path, String boundary, String content) throws Exception {
    return server.post(
        path,
        "k",
        "multipart/form-data; boundary=" + boundary,
        lines(
            "--" + boundary,
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"",
            "Content-Type: text/plain",
            "",
            content,
            "--" + boundary + "--",
            ""));
  }

  /** A multipart form of texts. */
  static String form(String boundary, String... namesAndValues) {
    StringBuilder form = new StringBuilder();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      form.append(
          lines(
              "--" + boundary,
              "Content-Disposition: form-data; name=\"" + namesAndValues[i] + "\"",
              "",
              namesAndValues[i + 1],
              ""));
    }
    return form + lines("--" + boundary + "--", "");
  }

  /** A request of Alice's, with more header lines, each with its line end. */
  static String rawPost(String path, String headerLines, String body) {
    return rawPost("alice", path, headerLines, body);
  }

  static String rawPost(String user, String path, String headerLines, String body) {
    return lines(
        "POST " + path + " HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        user == null ? "X-Nobody: 1" : "Test-User: " + user,
        "Content-Length: " + body.length(),
        headerLines,
        body);
  }

  static String chunkedPost(String type, String... chunks) {
    StringBuilder body = new StringBuilder();
    for (String chunk : chunks) {
      body.append(Integer.toHexString(chunk.length())).append("\r\n");
      body.append(chunk).append("\r\n");
    }
    return lines(
        "POST /pay HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Test-User: alice",
        "Idempotency-Key: k",
        "Content-Type: " + type,
        "Transfer-Encoding: chunked",
        "",
        body + "0",
        "",
        "");
  }

  static String lines(String... lines) {
    return String.join("\r\n", lines);
  }

  static HttpRequest.BodyPublisher body(String text) {
    return HttpRequest.BodyPublishers.ofString(text);
  }

  static List<Path> spilledFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("idem-response-"))
          .toList();
    }
  }

  static <T> Future<T> later(java.util.concurrent.Callable<T> call) {
    CompletableFuture<T> future = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                future.complete(call.call());
              } catch (Throwable e) {
                future.completeExceptionally(e);
              }
            })
        .start();
    return future.orTimeout(30, TimeUnit.SECONDS);
  }

  static void assertSame(HttpResponse<byte[]> first, HttpResponse<byte[]> replay) {
    assertReplayed(replay);
    assertThat(replay.statusCode()).isEqualTo(first.statusCode());
    assertThat(replay.body()).isEqualTo(first.body());
    assertThat(replay.headers().allValues("Content-Type"))
        .isEqualTo(first.headers().allValues("Content-Type"));
    assertThat(replay.headers().allValues("Content-Length"))
        .isEqualTo(first.headers().allValues("Content-Length"));
  }

  static void assertReplayed(HttpResponse<byte[]> response) {
    assertThat(response.headers().firstValue("Idempotent-Replayed"))
        .as("%s %s", response.statusCode(), text(response))
        .contains("true");
  }

  static void assertProblem(HttpResponse<byte[]> response, int status, String slug) {
    assertThat(text(response)).contains("\"type\":\"/idempotency/problems/" + slug + "\"");
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(response.headers().allValues("Cache-Control")).containsExactly("no-store");
    assertThat(response.headers().firstValue("Idempotent-Replayed")).isEmpty();
  }

  interface ThrowingCall {
    void run() throws IOException;
  }
}
