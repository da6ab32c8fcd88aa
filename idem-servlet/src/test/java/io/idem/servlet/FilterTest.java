package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Attempt;
import io.idem.core.Disposition;
import io.idem.core.InMemoryStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.http.CallerScope;
import io.idem.http.KeySyntax;
import io.idem.http.ReplayHeaders;
import io.idem.http.ResponsePolicy;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.Cookie;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.OutputStream;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The contract, over a real socket; the names carry the numbers of its points. */
@Timeout(60)
class FilterTest {

  private static final String JSON = "application/json";

  private final GatedStore store = new GatedStore();
  private TestServer server;

  @BeforeEach
  void start() throws Exception {
    server = new TestServer(store);
  }

  @AfterEach
  void stop() throws Exception {
    server.stop();
  }

  // ---- key intake

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
        .contains("\"retryable\":true")
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

  // ---- scope and fingerprint

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

  // ---- in flight

  @Test
  void p14_aDuplicateWaitsAndIsGivenTheAnswer() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        (request, response) -> {
          started.countDown();
          go.await();
          response.getWriter().print("paid");
        });
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    started.await();
    Future<HttpResponse<byte[]>> second = later(() -> server.post("/pay", "k"));
    go.countDown();

    assertThat(text(first.get())).isEqualTo("paid");
    assertThat(text(second.get())).isEqualTo("paid");
    assertReplayed(second.get());
    assertThat(first.get().headers().firstValue("Idempotent-Replayed")).isEmpty();
  }

  @Test
  void p14_theBusyStatusIsConfigurable() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO).retryAfter(Duration.ofMillis(1500)),
        endpoint -> endpoint.busyStatus(425),
        (request, response) -> {
          started.countDown();
          go.await();
        });
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    started.await();

    HttpResponse<byte[]> busy = server.post("/pay", "k");

    assertProblem(busy, 425, "in-progress");
    assertThat(busy.headers().firstValue("Retry-After")).contains("2");
    go.countDown();
    first.get();
  }

  @Test
  void p14_aHundredParallelDuplicatesAreOneRun() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ofSeconds(30)),
        endpoint -> endpoint,
        (request, response) -> response.getWriter().print("paid " + server.runs.get()));
    ExecutorService executor = Executors.newFixedThreadPool(100);
    CountDownLatch go = new CountDownLatch(1);
    List<Future<HttpResponse<byte[]>>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(
          executor.submit(
              () -> {
                go.await();
                return server.post("/pay", "k");
              }));
    }
    go.countDown();

    int fresh = 0;
    for (Future<HttpResponse<byte[]>> answer : answers) {
      assertThat(answer.get().statusCode()).isEqualTo(200);
      assertThat(text(answer.get())).isEqualTo("paid 1");
      fresh += answer.get().headers().firstValue("Idempotent-Replayed").isEmpty() ? 1 : 0;
    }
    executor.shutdown();
    assertThat(fresh).isEqualTo(1);
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p17_aRunThatLostItsLeaseIsNotDelivered() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("X-Handler", "1");
          response.setStatus(201);
          response.addCookie(new Cookie("session", "1"));
          response.getWriter().print("mine");
        });
    store.loseCompletions = true;

    HttpResponse<byte[]> answer = server.post("/pay", "k");

    assertProblem(answer, 409, "outcome-unknown");
    assertThat(answer.headers().map()).doesNotContainKeys("x-handler", "set-cookie");
    assertThat(answer.headers().firstValue("X-Outer")).contains("1");
  }

  // ---- what is stored

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
    List<Path> during = Collections.synchronizedList(new ArrayList<>());
    server.protect(
        "/pay",
        (request, response) -> {
          response.getOutputStream().write(large, 0, 2_000_000);
          response.getOutputStream().write(large, 2_000_000, 1_000_000);
          during.addAll(spilledFiles());
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.body()).isEqualTo(large);
    assertThat(first.headers().firstValue("Content-Length")).contains("3000000");
    assertProblem(server.post("/pay", "k"), 409, "answer-not-stored");
    assertThat(server.runs).hasValue(1);
    during.removeAll(before);
    assertThat(during).hasSize(1);
    assertThat(during.get(0)).doesNotExist();
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

  // ---- replay

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
        .containsExactly("X-From-Cors-Filter", "Idempotent-Replayed");
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
    List<Throwable> seen = Collections.synchronizedList(new ArrayList<>());
    ServletException failure = new ServletException("wrapped", new IOException("cause"));
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("X-Handler", "1");
          response.getWriter().print("dropped");
          throw failure;
        });
    server.before(
        (request, response) -> {
          Object error = request.getAttribute("jakarta.servlet.error.exception");
          if (error != null) {
            seen.add((Throwable) error);
          }
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(text(first)).startsWith("error 500").doesNotContain("dropped");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
    assertThat(seen).isNotEmpty();
    assertThat(seen.get(0)).isIn(failure, failure.getCause());
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
  void p29_asynchronousHandlingIsRefusedClearly() throws Exception {
    List<String> messages = Collections.synchronizedList(new ArrayList<>());
    server.protect(
        "/pay",
        (request, response) -> {
          assertThat(request.isAsyncSupported()).isFalse();
          try {
            request.startAsync();
          } catch (IllegalStateException e) {
            messages.add(e.getMessage());
          }
        });

    server.post("/pay", "k");

    assertThat(messages).hasSize(1);
    assertThat(messages.get(0)).contains("Asynchronous").contains("idempotent endpoint");
  }

  @Test
  void p29_aForwardBelongsToItsRun() throws Exception {
    server.open("/inner", (request, response) -> response.getWriter().print("inner"));
    server.protect("/inner-protected", (request, response) -> response.getWriter().print("in"));
    server.protect(
        "/pay",
        (request, response) ->
            request.getRequestDispatcher("/inner-protected").forward(request, response));

    assertThat(text(server.post("/pay", "k"))).isEqualTo("in");
    assertSame(server.post("/pay", "k"), server.post("/pay", "k"));
    assertThat(server.runs).hasValue(2);
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

  // ---- the request the handler sees

  @Test
  void p36_theHandlerReadsTheWholeBody() throws Exception {
    server.protect(
        "/stream",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));
    server.protect(
        "/reader",
        (request, response) -> {
          response.setCharacterEncoding("UTF-8");
          response.getWriter().print(request.getReader().readLine());
        });
    String body = "{\"a\":\"" + "x".repeat(100_000) + "\"}";

    assertThat(text(server.post("/stream", "k", JSON, body))).isEqualTo(body);
    assertThat(text(server.post("/reader", "k", "text/plain;charset=UTF-8", "é€"))).isEqualTo("é€");
  }

  @Test
  void p36_aChunkedBodyIsReadAlike() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));

    String answer = server.raw(chunkedPost("application/json", "[1,", "2]"));

    assertThat(answer).startsWith("HTTP/1.1 200 ").endsWith("[1,2]");
    assertReplayed(server.post("/pay", "k", JSON, "[1, 2]"));
  }

  @Test
  void p36_aRequestOverTheBoundIsRefusedAndConsumesNoKey() throws Exception {
    server.protect("/pay", endpoint -> endpoint.maxRequestBytes(10), (request, response) -> {});

    assertProblem(server.post("/pay", "k", "text/plain", "0123456789x"), 413, "request-too-large");
    String chunked = server.raw(chunkedPost("text/plain", "0123456789x"));
    assertThat(chunked).startsWith("HTTP/1.1 413 ");
    assertThat(server.runs).hasValue(0);

    assertThat(server.post("/pay", "k", "text/plain", "0123456789").statusCode()).isEqualTo(200);
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p36_formsStayParametersAndCountByFields() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response
                .getWriter()
                .print(
                    request.getParameter("a")
                        + Arrays.toString(request.getParameterValues("b"))
                        + request.getParameter("q")));
    String form = "application/x-www-form-urlencoded";

    HttpResponse<byte[]> first = server.post("/pay?q=1", "k", form, "a=x+y&b=1&b=2");

    assertThat(text(first)).isEqualTo("x y[1, 2]1");
    assertSame(first, server.post("/pay?q=1", "k", form, "b=1&b=2&a=x%20y"));
    assertProblem(server.post("/pay?q=1", "k", form, "b=2&b=1&a=x+y"), 422, "key-reused");
  }

  @Test
  void p36_aFormReadByAFilterInFrontStillCounts() throws Exception {
    server.before((request, response) -> assertThat(request.getParameter("a")).isNotNull());
    server.protect(
        "/pay", (request, response) -> response.getWriter().print(request.getParameter("a")));
    String form = "application/x-www-form-urlencoded";

    assertThat(text(server.post("/pay", "k", form, "a=1"))).isEqualTo("1");
    assertReplayed(server.post("/pay", "k", form, "a=1"));
    assertProblem(server.post("/pay", "k", form, "a=2"), 422, "key-reused");
  }

  @Test
  void p36_theFormOfAPatchIsReadFromTheBody() throws Exception {
    server.protect(
        "/pay",
        (request, response) ->
            response.getOutputStream().write(request.getInputStream().readAllBytes()));
    HttpRequest.Builder request =
        server
            .request("/pay")
            .header("Idempotency-Key", "k")
            .header("Content-Type", "application/x-www-form-urlencoded");

    assertThat(text(server.send(request.method("PATCH", body("a=1&b=2"))))).isEqualTo("a=1&b=2");
    assertReplayed(server.send(request.method("PATCH", body("b=2&a=1"))));
    assertProblem(server.send(request.method("PATCH", body("a=1&b=3"))), 422, "key-reused");
  }

  @Test
  void p36_multipartStaysPartsAndCountsByThem() throws Exception {
    server.protect(
        "/upload",
        (request, response) -> {
          for (Part part : request.getParts()) {
            response
                .getOutputStream()
                .write(
                    (part.getName() + "=" + part.getSubmittedFileName() + ":")
                        .getBytes(StandardCharsets.UTF_8));
            response.getOutputStream().write(part.getInputStream().readAllBytes());
          }
        });

    HttpResponse<byte[]> first = upload("/upload", "boundary1", "content");

    assertThat(text(first)).isEqualTo("file=a.txt:content");
    assertSame(first, upload("/upload", "boundary2", "content"));
    assertProblem(upload("/upload", "boundary1", "other"), 422, "key-reused");
    String large = "x".repeat(50_000);
    server.protect("/large", (request, response) -> response.getWriter().print("ok"));
    assertThat(text(upload("/large", "boundary1", large))).isEqualTo("ok");
    assertReplayed(upload("/large", "boundary2", large));
  }

  @Test
  void p36_multipartThatTheContainerDoesNotTakeApartIsReadFromTheBody() throws Exception {
    server.protect(
        "/plain/upload",
        (request, response) ->
            response
                .getWriter()
                .print(
                    new String(request.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                        .contains("content")));

    assertThat(text(upload("/plain/upload", "boundary1", "content"))).isEqualTo("true");
    assertReplayed(upload("/plain/upload", "boundary2", "content"));
    assertProblem(upload("/plain/upload", "boundary1", "other"), 422, "key-reused");
  }

  @Test
  void p36_anUploadOverTheContainersBoundConsumesNoKey() throws Exception {
    server.protect("/upload", (request, response) -> response.getWriter().print("ok"));

    assertThat(upload("/upload", "boundary1", "x".repeat(150_000)).statusCode())
        .isBetween(400, 599);
    assertThat(server.runs).hasValue(0);
    assertThat(text(upload("/upload", "boundary1", "small"))).isEqualTo("ok");
  }

  // ---- store failures

  @Test
  void p35_aStoreThatIsDownRefusesAndRunsNothing() throws Exception {
    server.protect("/pay", (request, response) -> {});
    store.claimsFail = true;

    HttpResponse<byte[]> refused = server.post("/pay", "k");

    assertProblem(refused, 503, "store-unavailable");
    assertThat(refused.headers().firstValue("Retry-After")).isPresent();
    assertThat(server.runs).hasValue(0);
  }

  @Test
  void p35_aStoreThatIsDownAtCompletionDeliversAndDoesNotRunAgain() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO),
        endpoint -> endpoint,
        (request, response) -> response.getWriter().print("paid"));
    store.completionsFail = true;

    assertThat(text(server.post("/pay", "k"))).isEqualTo("paid");
    assertProblem(server.post("/pay", "k"), 409, "in-progress");
    assertThat(server.runs).hasValue(1);
    store.completionsFail = false;
  }

  // ---- helpers

  private HttpResponse<byte[]> upload(String path, String boundary, String content)
      throws Exception {
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

  /** A request of Alice's, with more header lines, each with its line end. */
  private static String rawPost(String path, String headerLines, String body) {
    return rawPost("alice", path, headerLines, body);
  }

  private static String rawPost(String user, String path, String headerLines, String body) {
    return lines(
        "POST " + path + " HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        user == null ? "X-Nobody: 1" : "Test-User: " + user,
        "Content-Length: " + body.length(),
        headerLines,
        body);
  }

  private static String chunkedPost(String type, String... chunks) {
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

  private static String lines(String... lines) {
    return String.join("\r\n", lines);
  }

  private static HttpRequest.BodyPublisher body(String text) {
    return HttpRequest.BodyPublishers.ofString(text);
  }

  private static List<Path> spilledFiles() throws IOException {
    try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("idem-response-"))
          .toList();
    }
  }

  private static <T> Future<T> later(java.util.concurrent.Callable<T> call) {
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

  private static void assertSame(HttpResponse<byte[]> first, HttpResponse<byte[]> replay) {
    assertReplayed(replay);
    assertThat(replay.statusCode()).isEqualTo(first.statusCode());
    assertThat(replay.body()).isEqualTo(first.body());
    assertThat(replay.headers().allValues("Content-Type"))
        .isEqualTo(first.headers().allValues("Content-Type"));
    assertThat(replay.headers().allValues("Content-Length"))
        .isEqualTo(first.headers().allValues("Content-Length"));
  }

  private static void assertReplayed(HttpResponse<byte[]> response) {
    assertThat(response.headers().firstValue("Idempotent-Replayed"))
        .as("%s %s", response.statusCode(), text(response))
        .contains("true");
  }

  private static void assertProblem(HttpResponse<byte[]> response, int status, String slug) {
    assertThat(text(response)).contains("\"type\":\"/idempotency/problems/" + slug + "\"");
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(response.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(response.headers().allValues("Cache-Control")).containsExactly("no-store");
    assertThat(response.headers().firstValue("Idempotent-Replayed")).isEmpty();
  }

  private interface ThrowingCall {
    void run() throws IOException;
  }

  /** A store that can be made to fail, to wait and to lose. */
  private static final class GatedStore implements IdempotencyStore {

    private final IdempotencyStore memory = new InMemoryStore();
    private final CountDownLatch completing = new CountDownLatch(1);
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile boolean claimsFail;
    private volatile boolean completionsFail;
    private volatile boolean loseCompletions;

    @Override
    public Claim claim(ClaimRequest request) {
      if (claimsFail) {
        throw new StoreUnavailableException("down", null);
      }
      return memory.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      completing.countDown();
      try {
        gate.await();
      } catch (InterruptedException e) {
        throw new StoreUnavailableException("interrupted", e);
      }
      if (completionsFail) {
        throw new StoreUnavailableException("down", null);
      }
      return loseCompletions ? LeaseCheck.LOST : memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return memory.renew(lease, leaseFor);
    }
  }
}
