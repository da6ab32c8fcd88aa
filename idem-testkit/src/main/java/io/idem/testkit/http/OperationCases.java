package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Expiry, errors and operation. */
abstract class OperationCases extends ReplayCases {

  private static final String OASIS_RESULT = "Repeatability-Result";
  private static final String STRIPE_SHOULD_RETRY = "Stripe-Should-Retry";

  @SuppressWarnings("NullAway.Init") // set before the first case
  private FutureTask<Expiring> expiring;

  @Override
  void beginEarly() {
    super.beginEarly();
    expiring = early(this::beginExpiring);
  }

  /** A request whose answer is kept for two seconds, and was repeated in them. */
  private record Expiring(String name, RawRequest request) {}

  private Expiring beginExpiring() {
    String name = runs();
    RawRequest request = post(EndpointProfile.EXPIRING, name, unique());
    RawResponse first = send(request);
    assertFresh(first, 201);
    assertReplay(send(request), first);
    return new Expiring(name, request);
  }

  /** Points 31 to 37. */
  @Nested
  class ExpiryErrorsAndOperation {

    @Test
    void p31_theLifetimeOfAKeyIsPublished() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      for (RawResponse answer : List.of(send(request), send(request))) {
        assertThat(answer.header("Idempotency-Key-Lifetime")).containsExactly("PT24H");
      }
      assertThat(
              send(post(EndpointProfile.EXPIRING, name, unique()))
                  .header("Idempotency-Key-Lifetime"))
          .containsExactly("PT2S");
    }

    @Test
    void p32_expiredMeansAbsent() throws Exception {
      Expiring begun = expiring.get();
      RawResponse[] last = new RawResponse[1];
      Together.await(
          "the answer has expired",
          () -> {
            last[0] = send(begun.request);
            return last[0].header(REPLAYED).isEmpty();
          });

      assertFresh(last[0], 201);
      assertThat(last[0].text()).isEqualTo("run 2");
      assertRuns(begun.name, 2);
    }

    @Test
    void p32_aStaleRequestIsRefused() {
      String name = runs();
      Instant now = Instant.now();
      Instant old = now.minus(Duration.ofHours(2));
      RawRequest request = post(EndpointProfile.GUARDED, name, unique());

      for (RawRequest stale :
          List.of(
              request.header(FIRST_SENT, httpDate(old)),
              request.header(FIRST_SENT, httpDate(now.plus(Duration.ofHours(2)))),
              request.with(KEY, keyMadeAt(old)),
              request.with(KEY, keyMadeAt(old)).header(FIRST_SENT, httpDate(now)))) {
        assertProblem(send(stale), 412, "stale-request", false);
      }
      assertRuns(name, 0);
      assertFresh(send(request.header(FIRST_SENT, httpDate(now))), 201);
      assertFresh(send(request.with(KEY, keyMadeAt(now))), 201);
    }

    /** A UUID of version 7 (RFC 9562, section 5.7). */
    private String keyMadeAt(Instant time) {
      return new UUID(time.toEpochMilli() << 16 | 0x7000, 1L << 63).toString();
    }

    @Test
    void p33_everyRefusalIsAProblemWhoseTypeIsDocumented() throws Exception {
      Map<String, RawResponse> problems = new LinkedHashMap<>();
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        RawRequest request = running.request;
        problems.put("in-progress", send(request));
        problems.put("key-reused", send(request.body(JSON, "[]")));
        problems.put("key-missing", send(request.without(KEY)));
        problems.put("key-malformed", send(request.with(KEY, "\"")));
        problems.put("caller-required", send(request.without("Authorization")));
        problems.put(
            "request-too-large", send(request.body(new byte[NodeSettings.MAX_REQUEST + 1])));
        running.end();
      }
      String secret = unique();
      script.on(
          secret,
          call -> {
            call.doNotKeep();
            return ContractResponse.text(200, "secret");
          });
      RawRequest unkept = post(EndpointProfile.PLAIN, secret, unique());
      send(unkept);
      problems.put("answer-not-stored", send(unkept));
      whileStoreIsCut(
          () ->
              problems.put(
                  "store-unavailable", send(post(EndpointProfile.PLAIN, secret, unique()))));

      Map<String, Integer> statuses =
          Map.of(
              "in-progress", 409,
              "key-reused", 422,
              "key-missing", 400,
              "key-malformed", 400,
              "caller-required", 403,
              "request-too-large", 413,
              "answer-not-stored", 409,
              "store-unavailable", 503);
      problems.forEach(
          (type, problem) -> {
            boolean retryable = type.equals("in-progress") || type.equals("store-unavailable");
            assertProblem(problem, statuses.getOrDefault(type, 0), type, retryable);
            assertDocumented(server(), problem);
          });
    }

    @Test
    void p33_aTitleSpeaksTheClientsLanguage() {
      RawRequest request = request("POST", EndpointProfile.PLAIN, runs());

      RawResponse english = send(request);
      RawResponse german = send(request.header("Accept-Language", "de-CH, de;q=0.9, en;q=0.1"));

      assertProblem(german, 400, "key-missing", false);
      assertThat(german.header("Content-Language")).containsExactly("de");
      assertThat(typeOf(german)).isEqualTo(typeOf(english));
      assertThat(member("title", german)).isNotEqualTo(member("title", english));
    }

    @Test
    void p34_stripesDialect() throws Exception {
      try (Running running = running(EndpointProfile.STRIPE)) {
        RawRequest request = running.request;
        RawResponse reused = send(request.body(JSON, "[]"));
        assertThat(reused.status()).isEqualTo(400);
        assertThat(reused.text()).contains("\"error\"", "\"type\":\"idempotency_error\"");
        assertThat(reused.header(STRIPE_SHOULD_RETRY)).containsExactly("false");
        RawResponse busy = send(request);
        assertThat(busy.status()).isEqualTo(409);
        assertThat(busy.text()).contains("\"error\"", "\"code\":\"idempotency_key_in_use\"");
        assertThat(busy.header(STRIPE_SHOULD_RETRY)).containsExactly("true");

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertThat(first.header(KEY)).hasSize(1).isEqualTo(busy.header(KEY));
        assertReplay(send(request), first);
      }
    }

    @Test
    void p34_oasisDialect() {
      String name = runs();
      RawRequest request =
          request("POST", EndpointProfile.OASIS, name)
              .header("Repeatability-Request-ID", unique())
              .header(FIRST_SENT, httpDate(Instant.now()));

      RawResponse first = send(request);

      assertFresh(first, 201);
      assertThat(first.header(OASIS_RESULT)).containsExactly("accepted");
      RawResponse replay = send(request);
      assertReplay(replay, first);
      assertThat(replay.header(OASIS_RESULT)).containsExactly("accepted");
      RawResponse half = send(request.without(FIRST_SENT));
      assertProblem(half, 400, "key-malformed", false);
      assertThat(half.header(OASIS_RESULT)).containsExactly("rejected");
      assertRuns(name, 1);
    }

    @Test
    void p35_aStoreThatIsDownRefusesAndRunsNothing() throws Exception {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      whileStoreIsCut(
          () -> {
            RawResponse refused = send(request);

            assertProblem(refused, 503, "store-unavailable", true);
            assertThat(refused.header("Retry-After")).hasSize(1);
            assertRuns(name, 0);
          });

      assertFresh(send(request), 201);
      assertEffects(name, 1);
    }

    @Test
    void p36_theHandlerReadsTheWholeBody() {
      String name = unique();
      script.on(name, call -> ContractResponse.bytes(200, call.body()));
      String body = "{\"a\":\"" + "\u00e9".repeat(40_000) + "\"}";
      RawRequest request = post(EndpointProfile.PLAIN, name, unique()).body(JSON, body);

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertThat(first.text()).isEqualTo(body);
      assertReplay(send(request.chunked(1_000)), first);
      RawResponse chunked = send(request.with(KEY, unique()).chunked(7));
      assertFresh(chunked, 200);
      assertThat(chunked.text()).isEqualTo(body);
    }

    @Test
    void p36_aRequestOverTheBoundConsumesNoKey() {
      String name = runs();
      RawRequest request =
          post(EndpointProfile.PLAIN, name, unique()).with("Content-Type", "text/plain");
      byte[] largest = new byte[NodeSettings.MAX_REQUEST];
      byte[] larger = new byte[NodeSettings.MAX_REQUEST + 1];

      assertProblem(send(request.body(larger)), 413, "request-too-large", false);
      assertProblem(send(request.body(larger).chunked(5_000)), 413, "request-too-large", false);
      assertRuns(name, 0);

      assertFresh(send(request.body(largest)), 201);
      assertRuns(name, 1);
    }

    @Test
    void p36_formsStayFieldsForTheHandler() {
      String name = unique();
      script.on(
          name,
          call ->
              ContractResponse.text(
                  200, call.field("a") + " " + call.field("b") + " " + call.field("none")));
      RawRequest request =
          post(EndpointProfile.PLAIN, name, unique()).body(FORM, "a=x+y&b=1&b=%C3%A9");

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertThat(first.text()).isEqualTo("[x y] [1, \u00e9] []");
      assertReplay(send(request), first);
    }

    @Test
    void p36_partsStayFieldsForTheHandler() {
      String name = unique();
      script.on(name, call -> ContractResponse.text(200, String.valueOf(call.field("note"))));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(upload(request, "one", "content"));

      assertFresh(first, 200);
      assertThat(first.text()).isEqualTo("[hello]");
      assertReplay(send(upload(request, "two", "content")), first);
    }

    @Test
    void p37_anIntermediaryThatResendsHasOneEffect() throws Exception {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse answer = throughOneThatResends(request);

      assertReplayed(answer);
      assertThat(answer.text()).isEqualTo("run 1");
      assertRuns(name, 1);
      assertEffects(name, 1);
    }

    /** It loses the first answer, and sends the request again without being asked to. */
    private RawResponse throughOneThatResends(RawRequest request) throws Exception {
      try (ServerSocket intermediary = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        CompletableFuture<RawResponse> answer =
            RawHttp.later(URI.create("http://127.0.0.1:" + intermediary.getLocalPort()), request);
        try (Socket client = intermediary.accept()) {
          byte[] bytes = client.getInputStream().readNBytes(request.toBytes().length);
          try (RawHttp lost = RawHttp.to(base())) {
            lost.send(bytes);
            assertThat(lost.receive(true).status()).isEqualTo(201);
          }
          try (RawHttp again = RawHttp.to(base())) {
            again.send(bytes);
            client.getOutputStream().write(asBytes(again.receive(true)));
          }
        }
        return answer(answer);
      }
    }

    private byte[] asBytes(RawResponse response) {
      StringBuilder text = new StringBuilder("HTTP/1.1 " + response.status() + " .\r\n");
      response
          .headers()
          .forEach(line -> text.append(line.getKey() + ": " + line.getValue() + "\r\n"));
      return (text + "\r\n" + response.text()).getBytes(StandardCharsets.ISO_8859_1);
    }

    @Test
    void p37_aFailedRunIsNotRepeatedByTheServer() {
      String name = unique();
      script.on(
          name,
          call -> {
            call.effect(name);
            throw new IllegalStateException("as the case wants it");
          });

      RawResponse answer = send(post(EndpointProfile.PLAIN, name, unique()));

      assertThat(answer.status()).isEqualTo(500);
      assertRuns(name, 1);
    }
  }
}
