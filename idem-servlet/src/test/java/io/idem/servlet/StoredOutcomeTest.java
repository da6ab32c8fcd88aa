package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Attempt;
import io.idem.core.Disposition;
import io.idem.http.ResponsePolicy;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Points 20 to 25: what becomes of the key. */
class StoredOutcomeTest extends ServerTest {

  @ParameterizedTest
  @ValueSource(ints = {400, 401, 403, 408, 425, 429})
  void p21_aReleasingStatusFreesTheKey(int status) throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          if (server.runs.get() == 1) {
            response.setStatus(status);
          }
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(status);
    assertThat(server.post("/pay", "k", JSON, "[\"corrected\"]").statusCode()).isEqualTo(200);
    assertThat(server.runs).hasValue(2);
  }

  @ParameterizedTest
  @ValueSource(ints = {200, 201, 202, 303, 402, 404, 409, 422})
  void p21_aFinalStatusIsStored(int status) throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setStatus(status);
          response.getWriter().print("final");
        });

    assertSame(server.post("/pay", "k"), server.post("/pay", "k"));
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p21_aServerErrorIsUnknownByDefault() throws Exception {
    server.protect("/pay", (request, response) -> response.setStatus(500));

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p21_aServerErrorFollowsThePolicy() throws Exception {
    server.protect(
        "/free",
        endpoint ->
            endpoint.responsePolicy(ResponsePolicy.DEFAULT.onServerError(Disposition.RELEASE)),
        (request, response) -> response.setStatus(500));
    server.protect(
        "/kept",
        endpoint ->
            endpoint.responsePolicy(ResponsePolicy.DEFAULT.onServerError(Disposition.RECORD)),
        (request, response) -> response.setStatus(500));

    server.post("/free", "k");
    server.post("/free", "k");
    assertThat(server.runs).hasValue(2);
    assertSame(server.post("/kept", "k"), server.post("/kept", "k"));
    assertThat(server.runs).hasValue(3);
  }

  @Test
  void p22_noByteLeavesBeforeTheOutcomeIsStored() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setContentType("text/plain");
          OutputStream out = response.getOutputStream();
          out.write(new byte[100_000]);
          out.flush();
          response.flushBuffer();
          assertThat(response.isCommitted()).isTrue();
        });
    store.gate = new CountDownLatch(1);
    try (Socket socket = new Socket("localhost", server.port())) {
      socket
          .getOutputStream()
          .write(
              rawPost("/pay", "Idempotency-Key: k\r\n", "{}").getBytes(StandardCharsets.US_ASCII));
      store.completing.await();

      assertThat(socket.getInputStream().available()).isZero();

      store.gate.countDown();
      assertThat(socket.getInputStream().readAllBytes()).hasSizeGreaterThan(100_000);
    }
  }

  @Test
  void p23_aClientThatHangsUpChangesNothing() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        (request, response) -> {
          started.countDown();
          go.await();
          response.getOutputStream().write(new byte[900_000]);
        });
    try (Socket socket = new Socket("localhost", server.port())) {
      socket
          .getOutputStream()
          .write(
              rawPost("/pay", "Idempotency-Key: k\r\nContent-Type: application/json\r\n", "{}")
                  .getBytes(StandardCharsets.US_ASCII));
      started.await();
      socket.setSoLinger(true, 0); // a reset, so that the server's write fails
    }
    go.countDown();

    HttpResponse<byte[]> retry = server.post("/pay", "k");

    assertReplayed(retry);
    assertThat(retry.body()).hasSize(900_000);
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p23_halfARequestConsumesNoKey() throws Exception {
    server.protect("/pay", (request, response) -> response.getWriter().print("paid"));
    try (Socket socket = new Socket("localhost", server.port())) {
      socket
          .getOutputStream()
          .write(
              ("POST /pay HTTP/1.1\r\nHost: x\r\nTest-User: alice\r\nIdempotency-Key: k\r\n"
                      + "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"a\":")
                  .getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      socket.getInputStream().readAllBytes();
    }

    assertThat(server.runs).hasValue(0);
    HttpResponse<byte[]> whole = server.post("/pay", "k");
    assertThat(text(whole)).isEqualTo("paid");
    assertThat(whole.headers().firstValue("Idempotent-Replayed")).isEmpty();
  }

  @Test
  void p24_anOversizeAnswerIsDeliveredOnceAndNeverRunAgain() throws Exception {
    byte[] large = new byte[3_000_000];
    new Random(1).nextBytes(large);
    List<Path> before = spilledFiles();
    server.protect(
        "/pay",
        (request, response) -> {
          response.getOutputStream().write(large, 0, 2_000_000);
          response.getOutputStream().write(large, 2_000_000, 1_000_000);
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.body()).isEqualTo(large);
    assertThat(first.headers().firstValue("Content-Length")).contains("3000000");
    assertProblem(server.post("/pay", "k"), 409, "answer-not-stored");
    assertThat(server.runs).hasValue(1);
    assertThat(spilledFiles()).isSubsetOf(before);
  }

  @Test
  void p24_theBoundItselfIsStillKept() throws Exception {
    server.protect(
        "/pay",
        endpoint -> endpoint.maxStoredBytes(10),
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));

    server.post("/pay", "k10", "text/plain", "0123456789");
    server.post("/pay", "k11", "text/plain", "0123456789x");

    assertReplayed(server.post("/pay", "k10", "text/plain", "0123456789"));
    assertProblem(
        server.post("/pay", "k11", "text/plain", "0123456789x"), 409, "answer-not-stored");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void p24_whatIsHeldBackHasABound(boolean byWriter) throws Exception {
    List<Path> before = spilledFiles();
    server.protect(
        "/pay",
        endpoint -> endpoint.maxStoredBytes(10).maxResponseBytes(100_000),
        (request, response) -> {
          if (byWriter) {
            response.getWriter().print("x".repeat(200_000)); // which reports no failure
          } else {
            response.getOutputStream().write(new byte[200_000]);
          }
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);

    assertThat(server.thrown).singleElement().asString().contains("100000 bytes");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
    assertThat(spilledFiles()).isSubsetOf(before);
  }

  @Test
  void p25_theHandlerHasTheLastWord() throws Exception {
    server.protect("/nothing", (request, response) -> IdempotentExchange.nothingHappened(request));
    server.protect(
        "/secret",
        (request, response) -> {
          IdempotentExchange.doNotKeepResponse(request);
          response.getWriter().print("secret");
        });

    server.post("/nothing", "k");
    server.post("/nothing", "k");
    assertThat(server.runs).hasValue(2);
    assertThat(text(server.post("/secret", "k"))).isEqualTo("secret");
    assertProblem(server.post("/secret", "k"), 409, "answer-not-stored");
    assertThat(server.runs).hasValue(3);
  }

  @Test
  void theHandlerCanAskForItsAttempt() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response
                .getWriter()
                .print(IdempotentExchange.attempt(request).map(Attempt::number).orElse(0)));
    server.open(
        "/open",
        (request, response) ->
            response.getWriter().print(IdempotentExchange.attempt(request).isPresent()));

    assertThat(text(server.post("/pay", "k"))).isEqualTo("1");
    assertThat(text(server.post("/open", "k"))).isEqualTo("false");
  }
}
