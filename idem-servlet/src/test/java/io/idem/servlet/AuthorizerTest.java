package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.ServletException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** Point 30: who is asked before a key is looked up. */
class AuthorizerTest extends ServerTest {

  @Test
  void p30_aRefusalByTheChainIsNoLookUpAndConsumesNoKey() throws Exception {
    AtomicBoolean revoked = new AtomicBoolean();
    server.authorizer = (request, endpoint) -> !revoked.get();
    server.protect(
        "/echo",
        (request, response) -> {
          response.setStatus(revoked.get() ? 403 : 200);
          response.getOutputStream().write(request.getInputStream().readAllBytes());
        });

    HttpResponse<byte[]> first = server.post("/echo", "k", JSON, "{\"a\":1}");
    revoked.set(true);
    HttpResponse<byte[]> refused = server.post("/echo", "k", JSON, "{\"a\":1}");
    HttpResponse<byte[]> refusedAnew = server.post("/echo", "k2", JSON, "{\"a\":2}");
    revoked.set(false);

    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(refused.headers().firstValue("Idempotent-Replayed")).isEmpty();
    assertThat(text(refusedAnew)).as("the chain can read the body").isEqualTo("{\"a\":2}");
    assertSame(first, server.post("/echo", "k", JSON, "{\"a\":1}"));
    assertThat(server.post("/echo", "k2", JSON, "{\"a\":3}").statusCode()).isEqualTo(200);
  }

  @Test
  void p30_whatTheAuthorizerThrowsLeavesTheFilterUnchanged() throws Exception {
    ServletException refusal = new ServletException("revoked");
    server.authorizer =
        (request, endpoint) -> {
          throw refusal;
        };
    server.protect("/pay", (request, response) -> response.getWriter().print("paid"));

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);

    assertThat(server.thrown).containsExactly(refusal);
    assertThat(server.runs).hasValue(0);
    server.authorizer = EndpointAuthorizer.none();
    assertThat(text(server.post("/pay", "k"))).isEqualTo("paid");
  }

  @Test
  void p30_theAuthorizerMayReadTheBodyAndTheHandlerStillCan() throws Exception {
    server.authorizer =
        (request, endpoint) ->
            new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .contains("small");
    server.protect(
        "/pay",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));

    assertThat(text(server.post("/pay", "k", JSON, "\"small\""))).isEqualTo("\"small\"");
    assertReplayed(server.post("/pay", "k", JSON, "\"small\""));
  }
}
