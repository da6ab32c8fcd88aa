package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.http.ReplayHeaders;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.Cookie;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Points 26 to 30: what a repeat is given. */
class ReplayTest extends ServerTest {

  @Test
  void p26_aReplayHasTheSameBytesAndTheAllowedHeadersOnly() throws Exception {
    byte[] binary = new byte[70_000];
    new Random(2).nextBytes(binary);
    server.protect(
        "/pay",
        endpoint -> endpoint.replayHeaders(ReplayHeaders.standard().and("X-Order")),
        (request, response) -> {
          response.setStatus(201);
          response.setContentType("application/octet-stream");
          response.setHeader("Location", "/orders/1");
          response.setHeader("ETag", "\"1\"");
          response.addHeader("Link", "<a>; rel=\"x\"");
          response.addHeader("Link", "<b>");
          response.setDateHeader("Last-Modified", 0);
          response.setHeader("X-Order", "7");
          response.setHeader("X-Other", "7");
          response.setHeader("X-Request-Id", "7");
          response.addCookie(new Cookie("session", "7"));
          response.setHeader("WWW-Authenticate", "Basic");
          response.setContentLength(70_000);
          response.getOutputStream().write(binary);
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");
    HttpResponse<byte[]> second = server.post("/pay", "k");

    assertThat(first.headers().map())
        .containsKeys("x-other", "x-request-id", "set-cookie", "www-authenticate");
    assertSame(first, second);
    assertThat(second.body()).isEqualTo(binary);
    for (String name :
        List.of("Content-Type", "Location", "ETag", "Link", "Last-Modified", "X-Order")) {
      assertThat(second.headers().allValues(name))
          .as(name)
          .isNotEmpty()
          .isEqualTo(first.headers().allValues(name));
    }
    assertThat(second.headers().map())
        .doesNotContainKeys("x-other", "x-request-id", "set-cookie", "www-authenticate");
    assertThat(second.headers().firstValue("Content-Length")).contains("70000");
  }

  @Test
  void p27_aReplayIsMarkedAndNotCached() throws Exception {
    server.protect("/pay", (request, response) -> {});
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Idempotency-Key", "k")
            .header("Origin", "https://shop.example")
            .POST(body("{}"));
    server.before(
        (inbound, response) ->
            response.addHeader("Access-Control-Expose-Headers", "X-From-Cors-Filter"));

    HttpResponse<byte[]> first = server.send(request);
    HttpResponse<byte[]> replay = server.send(request);

    assertThat(first.headers().allValues("Cache-Control")).containsExactly("private");
    assertReplayed(replay);
    assertThat(replay.headers().allValues("Cache-Control")).containsExactly("no-store");
    assertThat(replay.headers().allValues("Access-Control-Expose-Headers"))
        .containsExactly("X-From-Cors-Filter", "Idempotent-Replayed, Idempotency-Key-Lifetime");
  }

  @Test
  void p28_emptyAnswersReplayExactly() throws Exception {
    server.protect("/none", (request, response) -> response.setStatus(204));
    server.protect("/empty", (request, response) -> {});

    assertSame(server.post("/none", "k"), server.post("/none", "k"));
    HttpResponse<byte[]> empty = server.post("/empty", "k");
    assertThat(empty.headers().firstValue("Content-Length")).contains("0");
    assertSame(empty, server.post("/empty", "k"));
  }

  @Test
  void p28_aContentCodingOfTheHandlersOwnGoesWithItsBytes() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("Content-Encoding", "br");
          response.getOutputStream().write(new byte[] {1, 2});
        });

    server.post("/pay", "k");

    assertThat(server.post("/pay", "k").headers().firstValue("Content-Encoding")).contains("br");
  }

  @Test
  void p29_aRedirectIsStoredAsItIsSent() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.getWriter().print("dropped");
          response.sendRedirect("/orders/1");
          response.getWriter().print("ignored");
          assertThat(response.isCommitted()).isTrue();
        });
    server.protect("/other", (request, response) -> response.sendRedirect("/orders/2", 303, false));

    HttpResponse<byte[]> first = server.post("/pay", "k");
    assertThat(first.statusCode()).isEqualTo(302);
    assertThat(first.headers().firstValue("Location")).contains("/orders/1");
    assertThat(first.body()).isEmpty();
    assertSame(first, server.post("/pay", "k"));
    assertThat(server.post("/pay", "k").headers().firstValue("Location")).contains("/orders/1");
    assertThat(server.post("/other", "k").statusCode()).isEqualTo(303);
  }

  @Test
  void p29_aFinalErrorPageIsRenderedAgainAndDoesNotRun() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.getWriter().print("dropped");
          response.setHeader("ETag", "\"1\"");
          response.sendError(404, "no such order");
          assertThat(response.isCommitted()).isTrue();
          response.getWriter().print("ignored");
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(404);
    assertThat(text(first)).isEqualTo("error 404 no such order");
    assertSame(first, server.post("/pay", "k"));
    assertReplayed(server.post("/pay", "k"));
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p29_anErrorPageFollowsTheStatusesOfThePolicy() throws Exception {
    server.protect("/bad", (request, response) -> response.sendError(400));
    server.protect("/broken", (request, response) -> response.sendError(500, "broken"));

    assertThat(text(server.post("/bad", "k"))).startsWith("error 400");
    server.post("/bad", "k");
    assertThat(server.runs).hasValue(2);
    assertThat(text(server.post("/broken", "k"))).isEqualTo("error 500 broken");
    assertProblem(server.post("/broken", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(3);
  }

  @Test
  void p29_anExceptionReachesTheContainerUnchangedAndLeavesTheOutcomeUnknown() throws Exception {
    ServletException failure = new ServletException("wrapped", new IOException("cause"));
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("X-Handler", "1");
          response.getWriter().print("dropped");
          throw failure;
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(text(first)).startsWith("error 500").doesNotContain("dropped");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
    assertThat(server.thrown).hasSize(1);
    assertThat(server.thrown.get(0)).isSameAs(failure);
  }

  @Test
  void p29_theOperationsFailureRulesSeeTheCause() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.releaseOn(IllegalArgumentException.class),
        endpoint -> endpoint,
        (request, response) -> {
          throw new ServletException(new IllegalArgumentException("bad"));
        });

    server.post("/pay", "k");
    server.post("/pay", "k");

    assertThat(server.runs).hasValue(2);
  }

  @Test
  void p29_aForwardBelongsToItsRun() throws Exception {
    server.protect("/inner", (request, response) -> response.getWriter().print("in"));
    server.protect(
        "/pay",
        (request, response) -> request.getRequestDispatcher("/inner").forward(request, response));

    assertThat(text(server.post("/pay", "k"))).isEqualTo("in");
    assertSame(server.post("/pay", "k"), server.post("/pay", "k"));
    assertThat(server.runs).hasValue(2);

    // The forward used up no key of the path it led to.
    server.post("/inner", "k");
    assertThat(server.runs).hasValue(3);
  }

  @Test
  void p29_aForwardFromAnUnprotectedPathIsProtected() throws Exception {
    server.protect("/inner", (request, response) -> response.getWriter().print("in"));
    server.open(
        "/open",
        (request, response) -> request.getRequestDispatcher("/inner").forward(request, response));

    assertThat(text(server.post("/open", "k"))).isEqualTo("in");
    assertSame(server.post("/open", "k"), server.post("/open", "k"));
    assertThat(server.runs).hasValue(4);
  }

  @Test
  void p29_anErrorDispatchIsNotARequestOfItsOwn() throws Exception {
    server.protect("/error", (request, response) -> {});
    server.protect(
        "/pay",
        (request, response) -> {
          IdempotentExchange.nothingHappened(request);
          response.sendError(404);
        });

    for (int run = 1; run <= 2; run++) {
      HttpResponse<byte[]> refused = server.post("/pay", "k");

      assertThat(text(refused)).startsWith("error 404");
      assertThat(refused.headers().firstValue("Idempotent-Replayed")).isEmpty();
      assertThat(server.runs).hasValue(run);
    }
  }

  @Test
  void p29_theWritersCharsetIsSentAndStored() throws Exception {
    server.protect(
        "/utf8",
        (request, response) -> {
          response.setContentType("text/plain;charset=UTF-8");
          response.getWriter().print("é€");
          response.setCharacterEncoding("ISO-8859-1");
          response.setContentType("text/html;charset=UTF-16");
        });
    server.protect(
        "/latin",
        (request, response) -> {
          response.setContentType("text/plain");
          response.getWriter().print("é");
        });

    HttpResponse<byte[]> utf8 = server.post("/utf8", "k");
    assertThat(utf8.body()).isEqualTo("é€".getBytes(StandardCharsets.UTF_8));
    assertThat(utf8.headers().firstValue("Content-Type").orElse("").replace(" ", ""))
        .isEqualToIgnoringCase("text/html;charset=UTF-8");
    assertSame(utf8, server.post("/utf8", "k"));
    HttpResponse<byte[]> latin = server.post("/latin", "k");
    assertThat(latin.body()).isEqualTo(new byte[] {(byte) 0xE9});
    assertThat(latin.headers().firstValue("Content-Type").orElse("").replace(" ", ""))
        .isEqualToIgnoringCase("text/plain;charset=ISO-8859-1");
    assertSame(latin, server.post("/latin", "k"));
  }

  @Test
  void p29_aResetResponseStartsAnew() throws Exception {
    server.protect(
        "/reset",
        (request, response) -> {
          response.setStatus(500);
          response.setHeader("ETag", "\"old\"");
          response.getWriter().print("old");
          response.reset();
          response.getOutputStream().write('n');
        });
    server.protect(
        "/buffer",
        (request, response) -> {
          response.setHeader("ETag", "\"kept\"");
          response.getWriter().print("old");
          response.resetBuffer();
          response.getWriter().print("new");
        });
    server.protect(
        "/committed",
        (request, response) -> {
          response.getWriter().print("sent");
          response.flushBuffer();
          response.setStatus(500);
          response.setHeader("ETag", "\"late\"");
          for (ThrowingCall call :
              List.<ThrowingCall>of(
                  response::reset,
                  response::resetBuffer,
                  () -> response.sendError(500),
                  () -> response.sendRedirect("/"))) {
            try {
              call.run();
              throw new AssertionError("A committed response is not taken back");
            } catch (IllegalStateException expected) {
              response.getWriter().print('.');
            }
          }
        });

    HttpResponse<byte[]> reset = server.post("/reset", "k");
    assertThat(reset.statusCode()).isEqualTo(200);
    assertThat(text(reset)).isEqualTo("n");
    assertThat(reset.headers().firstValue("ETag")).isEmpty();
    HttpResponse<byte[]> buffer = server.post("/buffer", "k");
    assertThat(text(buffer)).isEqualTo("new");
    assertThat(buffer.headers().firstValue("ETag")).contains("\"kept\"");
    HttpResponse<byte[]> committed = server.post("/committed", "k");
    assertThat(committed.statusCode()).isEqualTo(200);
    assertThat(text(committed)).isEqualTo("sent....");
    assertThat(committed.headers().firstValue("ETag")).isEmpty();
  }
}
