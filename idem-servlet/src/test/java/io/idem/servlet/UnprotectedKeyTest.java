package io.idem.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.UnprotectedKeys;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Point 7: a key that is sent to where nothing protects the request. */
class UnprotectedKeyTest extends ServerTest {

  @Test
  void p07_aKeyThatIsIgnoredIsFlagged() throws Exception {
    server.open("/open", (request, response) -> response.getWriter().print("ran"));

    HttpResponse<byte[]> answer = server.post("/open", "k");

    assertThat(TestServer.text(answer)).isEqualTo("ran");
    assertThat(flags(answer)).containsExactly("true");
    assertThat(answer.headers().firstValue("Access-Control-Expose-Headers")).isEmpty();
    assertThat(flags(server.send(server.request("/open").POST(body("{}"))))).isEmpty();
  }

  @Test
  void p07_aScriptOfAnotherOriginCanReadTheFlag() throws Exception {
    server.open("/open", (request, response) -> {});

    String answer =
        server.raw(rawPost("/open", "Idempotency-Key: k\r\nOrigin: http://shop.example\r\n", "{}"));

    assertThat(answer).contains("Access-Control-Expose-Headers: Idempotency-Key-Ignored\r\n");
  }

  @ParameterizedTest
  @ValueSource(strings = {"PUT", "DELETE"})
  void p07_aMethodThatTheEndpointDoesNotProtectIsFlagged(String method) throws Exception {
    server.protect("/pay", (request, response) -> {});

    assertThat(flags(send(method, "/pay"))).containsExactly("true");
    assertThat(flags(send("POST", "/pay"))).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "HEAD", "OPTIONS"})
  void p07_aSafeMethodNeedsNoProtection(String method) throws Exception {
    server.open("/open", (request, response) -> {});

    assertThat(flags(send(method, "/open"))).isEmpty();
  }

  @Test
  void p07_aRequestThatIsForwardedToAnEndpointIsProtected() throws Exception {
    server.open(
        "/open",
        (request, response) -> request.getRequestDispatcher("/pay").forward(request, response));
    server.protect("/pay", (request, response) -> {});

    assertThat(flags(server.post("/open", "k"))).isEmpty();
    HttpResponse<byte[]> repeat = server.post("/open", "k");
    assertReplayed(repeat);
    assertThat(flags(repeat)).isEmpty();
  }

  /** What Servlet 6.1 promises of a header that is set to null. */
  @Test
  void p07_aKeyThatIsUsedBehindIsNotFlagged() throws Exception {
    server.open("/open", (request, response) -> IdempotentExchange.keyUsed(request));

    assertThat(flags(server.post("/open", "k"))).isEmpty();
  }

  @Test
  void p07_aKeyMayBeRefusedWith501() throws Exception {
    restart(UnprotectedKeys.REFUSE);
    server.open("/open", (request, response) -> {});
    server.protect("/pay", (request, response) -> {});

    assertProblem(server.post("/open", "k"), 501, "key-not-supported");
    assertProblem(send("PUT", "/pay"), 501, "key-not-supported");
    assertThat(server.runs).hasValue(0);
    assertThat(send("GET", "/open").statusCode()).isEqualTo(200);
    assertThat(server.send(server.request("/open").POST(body("{}"))).statusCode()).isEqualTo(200);
    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(200);
  }

  @Test
  void p07_aKeyMayBeIgnoredInSilence() throws Exception {
    restart(UnprotectedKeys.IGNORE);
    server.open("/open", (request, response) -> {});

    HttpResponse<byte[]> answer = server.post("/open", "k");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(flags(answer)).isEmpty();
  }

  private void restart(UnprotectedKeys unprotectedKeys) throws Exception {
    server.stop();
    server = new TestServer(store, settings -> settings.unprotectedKeys(unprotectedKeys));
  }

  private HttpResponse<byte[]> send(String method, String path) throws Exception {
    return server.send(
        server
            .request(path)
            .header("Idempotency-Key", "k")
            .method(method, HttpRequest.BodyPublishers.noBody()));
  }

  private static List<String> flags(HttpResponse<byte[]> response) {
    return response.headers().allValues("Idempotency-Key-Ignored");
  }
}
