package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.Together;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** Expiry, errors and operation. */
abstract class OperationCases extends ReplayCases {

  /** Points 32 to 37. */
  @Nested
  class ExpiryErrorsAndOperation {

    @Test
    void p32_expiredMeansAbsent() {
      String name = runs();
      RawRequest request = post(EndpointProfile.EXPIRING, name, unique());
      RawResponse first = send(request);
      assertFresh(first, 201);
      assertReplay(send(request), first);

      RawResponse[] last = new RawResponse[1];
      Together.await(
          "the answer has expired",
          () -> {
            last[0] = send(request);
            return last[0].header(REPLAYED).isEmpty();
          });

      assertFresh(last[0], 201);
      assertThat(last[0].text()).isEqualTo("run 2");
      assertRuns(name, 2);
    }

    @Test
    void p33_everyRefusalIsAProblemWhoseTypeIsDocumented() throws Exception {
      Map<String, RawResponse> problems = new LinkedHashMap<>();
      String name = unique();
      ContractScript.Held held = script.hold(name);
      RawRequest request = post(EndpointProfile.IMPATIENT, name, unique());
      CompletableFuture<RawResponse> first = later(request);
      try {
        held.entered();
        problems.put("in-progress", send(request));
        problems.put("key-reused", send(request.body(JSON, "[]")));
        problems.put("key-missing", send(request.without(KEY)));
        problems.put("key-malformed", send(request.with(KEY, "\"")));
        problems.put("caller-required", send(request.without("Authorization")));
        problems.put(
            "request-too-large", send(request.body(new byte[NodeSettings.MAX_REQUEST + 1])));
      } finally {
        held.letGo();
      }
      answer(first);
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
              problems.put("store-unavailable", send(post(EndpointProfile.PLAIN, name, unique()))));

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
            assertDocumented(problem);
          });
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
