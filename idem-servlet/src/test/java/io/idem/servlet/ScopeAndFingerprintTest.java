package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.CallerScope;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Points 8 to 13: what counts as the same request. */
class ScopeAndFingerprintTest extends ServerTest {

  @Test
  void p08_aKeyIsItsCallersOwn() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> response.getWriter().print(request.getUserPrincipal().getName()));

    server.post("/pay", "k");
    HttpResponse<byte[]> bob =
        server.send(
            server
                .request("/pay")
                .setHeader("Test-User", "bob")
                .header("Idempotency-Key", "k")
                .header("Content-Type", JSON)
                .POST(body("{}")));

    assertThat(text(bob)).isEqualTo("bob");
    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p08_withoutACallerNothingRunsUnlessKeysAreShared() throws Exception {
    server.protect("/pay", (request, response) -> {});
    server.protect(
        "/shared", endpoint -> endpoint.callerScope(CallerScope.SHARED), (request, response) -> {});

    assertThat(server.raw(rawPost(null, "/pay", "Idempotency-Key: k\r\n", "{}")))
        .startsWith("HTTP/1.1 403 ")
        .contains("/idempotency/problems/caller-required");
    assertThat(server.runs).hasValue(0);
    assertThat(server.raw(rawPost(null, "/shared", "Idempotency-Key: k\r\n", "{}")))
        .startsWith("HTTP/1.1 200 ");
  }

  @Test
  void p10_jsonMayBeSpelledAnew() throws Exception {
    server.protect("/pay", (request, response) -> {});

    server.post("/pay", "k", JSON, "{\"a\":1,\"b\":[1E+500000000]}");

    assertReplayed(
        server.post(
            "/pay",
            "k",
            "application/json;charset=utf-8",
            " { \"b\" : [10e499999999], \"a\":1.0 }"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "/pay | application/json | {\"a\":\"1\"}",
        "/pay | text/plain | {\"a\":1}",
        "/pay?q=1 | application/json | {\"a\":1}",
      })
  void p11_aDifferentRequestIsRefusedAndChangesNothing(String path, String type, String body)
      throws Exception {
    server.protect("/pay", (request, response) -> response.getWriter().print("paid"));
    server.post("/pay", "k", JSON, "{\"a\":1}");

    assertProblem(server.post(path, "k", type, body), 422, "key-reused");

    assertReplayed(server.post("/pay", "k", JSON, "{\"a\":1}"));
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p12_reusedIsToldBeforeBusy() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO),
        endpoint -> endpoint,
        (request, response) -> {
          started.countDown();
          go.await();
        });
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    started.await();

    assertProblem(server.post("/pay", "k", JSON, "[]"), 422, "key-reused");
    HttpResponse<byte[]> busy = server.post("/pay", "k");
    assertProblem(busy, 409, "in-progress");
    assertThat(busy.headers().firstValue("Retry-After")).contains("1");

    go.countDown();
    assertThat(first.get().statusCode()).isEqualTo(200);
    assertReplayed(server.post("/pay", "k"));
  }

  @Test
  void p13_aNewKeyIsANewOperation() throws Exception {
    server.protect("/pay", (request, response) -> {});

    server.post("/pay", "k1");
    server.post("/pay", "k2");

    assertThat(server.runs).hasValue(2);
  }
}
