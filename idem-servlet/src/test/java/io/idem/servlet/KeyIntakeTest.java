package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.KeySyntax;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Points 1 to 7: how the key is read. */
class KeyIntakeTest extends ServerTest {

  @Test
  void p01_bothSpellingsAreTheSameKey() throws Exception {
    server.protect("/pay", (request, response) -> response.getWriter().print("paid"));

    server.post("/pay", "\"k 1\"".replace(" ", "-"));
    HttpResponse<byte[]> bare = server.post("/pay", "k-1");

    assertReplayed(bare);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Idempotency-Key:\r\n",
        "Idempotency-Key: \"\"\r\n",
        "Idempotency-Key: s3cret\r\nIdempotency-Key: s3cret\r\n",
        "Idempotency-Key: s3cret, other\r\n",
        "Idempotency-Key: \"s3cret\r\n",
        "Idempotency-Key: s3\u00e9cret\r\n",
      })
  void p02_whatIsNoKeyIsRefusedAndNotEchoed(String headerLines) throws Exception {
    server.protect("/pay", (request, response) -> {});

    String answer = server.raw(rawPost("/pay", headerLines, "{}"));

    assertThat(answer)
        .startsWith("HTTP/1.1 400 ")
        .contains("application/problem+json")
        .contains("/idempotency/problems/key-malformed")
        .contains("\"retryable\":false")
        .doesNotContain("s3");
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p02_controlCharactersNeverReachTheHandler() throws Exception {
    server.protect("/pay", (request, response) -> {});

    String answer = server.raw(rawPost("/pay", "Idempotency-Key: a\u0001b\r\n", "{}"));

    assertThat(answer).startsWith("HTTP/1.1 400 ");
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p02_theLengthIsBounded() throws Exception {
    server.protect("/pay", (request, response) -> {});

    assertThat(server.post("/pay", "k".repeat(255)).statusCode()).isEqualTo(200);
    assertProblem(server.post("/pay", "k".repeat(256)), 400, "key-malformed");
  }

  @Test
  void p03_keysAreCaseSensitive() throws Exception {
    server.protect("/pay", (request, response) -> {});

    server.post("/pay", "abc");
    server.post("/pay", "ABC");

    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p04_theKeyMayComeInAnotherHeader() throws Exception {
    server.protect(
        "/pay",
        endpoint -> endpoint.keySyntax(KeySyntax.DEFAULT.in("X-Request-Key")),
        (request, response) -> {});

    HttpRequest.Builder request =
        server.request("/pay").header("X-Request-Key", "k").POST(body("{}"));
    server.send(request);

    assertReplayed(server.send(request));
    assertProblem(server.post("/pay", "k"), 400, "key-missing");
  }

  @Test
  void p05_aRequiredKeyThatIsMissingIsRefusedWithDocumentation() throws Exception {
    server.protect("/pay", (request, response) -> {});

    HttpResponse<byte[]> refused = server.send(server.request("/pay").POST(body("{}")));

    assertProblem(refused, 400, "key-missing");
    HttpResponse<byte[]> documentation =
        server.send(server.request("/idempotency/problems/key-missing").GET());
    assertThat(documentation.statusCode()).isEqualTo(200);
    assertThat(text(documentation)).contains("What to do:");
    assertThat(server.send(server.request("/idempotency/problems/none").GET()).statusCode())
        .isEqualTo(404);
  }

  @Test
  void p05_anOptionalKeyThatIsMissingRunsUnprotected() throws Exception {
    server.protect("/pay", endpoint -> endpoint.keyOptional(), (request, response) -> {});

    HttpRequest.Builder request = server.request("/pay").POST(body("{}"));

    assertThat(server.send(request).statusCode()).isEqualTo(200);
    assertThat(server.send(request).statusCode()).isEqualTo(200);
    assertThat(server.runs).hasValue(2);
    server.post("/pay", "k");
    assertReplayed(server.post("/pay", "k"));
    assertProblem(server.post("/pay", ""), 400, "key-malformed");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
  void p06_otherMethodsAreNotProtected(String method) throws Exception {
    server.protect("/pay", (request, response) -> {});

    for (int i = 0; i < 2; i++) {
      server.send(
          server
              .request("/pay")
              .header("Idempotency-Key", "k")
              .method(method, HttpRequest.BodyPublishers.noBody()));
    }

    assertThat(server.runs).hasValue(2);
  }

  @ParameterizedTest
  @ValueSource(strings = {"PATCH", "PUT"})
  void p06_chosenMethodsAreProtected(String method) throws Exception {
    server.protect("/pay", endpoint -> endpoint.methods("patch", "PUT"), (request, response) -> {});

    HttpRequest.Builder request =
        server.request("/pay").header("Idempotency-Key", "k").method(method, body("{}"));
    server.send(request);

    assertReplayed(server.send(request));
  }
}
