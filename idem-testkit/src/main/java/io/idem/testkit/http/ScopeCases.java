package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What counts as the same request. */
abstract class ScopeCases extends IntakeCases {

  /** Points 8 to 13. */
  @Nested
  class ScopeAndFingerprint {

    @Test
    void p08_aKeyIsItsCallersOwn() {
      String name = runs();
      RawRequest alices = post(EndpointProfile.PLAIN, name, unique());

      assertFresh(send(alices), 201);
      assertFresh(send(alices.with("Authorization", "Bearer bob.1")), 201);
      assertFresh(send(alices.with("Authorization", "Bearer Alice.1")), 201);
      assertRuns(name, 3);
    }

    @Test
    void p08_aRefreshedCredentialIsTheSameCaller() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertReplay(send(request.with("Authorization", "Bearer alice.2")), first);
      assertRuns(name, 1);
    }

    @Test
    void p08_withoutACallerNothingRunsUnlessKeysAreShared() {
      String name = runs();
      String key = unique();

      assertProblem(
          send(post(EndpointProfile.PLAIN, name, key).without("Authorization")),
          403,
          "caller-required",
          false);
      assertRuns(name, 0);
      RawRequest shared = post(EndpointProfile.SHARED, name, key);
      RawResponse first = send(shared.without("Authorization"));
      assertFresh(first, 201);
      assertReplay(send(shared), first);
      assertReplay(send(shared.with("Authorization", "Bearer bob.1")), first);
    }

    @Test
    void p09_theKeyAtAnotherOperationIsAnotherKey() {
      String name = runs();
      String key = unique();

      assertFresh(send(post(EndpointProfile.PLAIN, name, key)), 201);
      assertFresh(send(post(EndpointProfile.OPTIONAL, name, key)), 201);
      assertFresh(send(post(EndpointProfile.SHARED, name, key)), 201);
      assertRuns(name, 3);
    }

    @Test
    void p09_theKeyAtAnotherPathIsAnotherKey() {
      String one = runs();
      String other = runs();
      String key = unique();

      RawResponse first = send(post(EndpointProfile.PLAIN, one, key));
      RawResponse second = send(post(EndpointProfile.PLAIN, other, key));

      assertFresh(first, 201);
      assertFresh(second, 201);
      assertReplay(send(post(EndpointProfile.PLAIN, one, key)), first);
      assertReplay(send(post(EndpointProfile.PLAIN, other, key)), second);
      assertRuns(one, 1);
      assertRuns(other, 1);
    }

    @Test
    void p09_theKeyAtAnotherPathMayBeMisuse() {
      String one = runs();
      String other = runs();
      String key = unique();

      RawResponse first = send(post(EndpointProfile.MISUSE, one, key));

      assertFresh(first, 201);
      assertProblem(send(post(EndpointProfile.MISUSE, other, key)), 422, "key-reused", false);
      assertReplay(send(post(EndpointProfile.MISUSE, one, key)), first);
      assertRuns(other, 0);
    }

    @Test
    void p09_noSpellingOfThePathRunsTwice() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      assertFresh(send(request), 201);
      String first = "%" + Integer.toHexString(name.charAt(0));

      RawResponse respelled =
          send(request.at(path(EndpointProfile.PLAIN, first + name.substring(1))));

      assertProblem(respelled, 422, "key-reused", false);
      assertRuns(name, 1);
    }

    @Test
    void p10_jsonMayBeSpelledAnew() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request.body(JSON, "{\"a\":1,\"b\":[1E+500000000,\"A\"]}"));

      assertFresh(first, 201);
      assertReplay(
          send(
              request.body(
                  "Application/JSON;charset=utf-8",
                  " { \"b\" : [10e499999999, \"\\u0041\"],\n \"a\":1.0 }")),
          first);
    }

    @Test
    void p10_whatJsonSaysCounts() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      send(request.body(JSON, "{\"a\":1,\"b\":[1,2],\"c\":null}"));
      for (String other :
          List.of(
              "{\"a\":\"1\",\"b\":[1,2],\"c\":null}",
              "{\"a\":1,\"b\":[2,1],\"c\":null}",
              "{\"a\":1,\"b\":[1,2]}",
              "{\"a\":1,\"a\":1,\"b\":[1,2],\"c\":null}")) {
        assertProblem(send(request.body(JSON, other)), 422, "key-reused", false);
      }
      assertRuns(name, 1);
    }

    @Test
    void p10_formsCountByTheirFields() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request.body(FORM, "a=x+y&b=1&b=2"));

      assertFresh(first, 201);
      assertReplay(send(request.body(FORM, "b=1&b=%32&a=x%20y")), first);
      assertProblem(send(request.body(FORM, "a=x+y&b=2&b=1")), 422, "key-reused", false);
    }

    @Test
    void p10_multipartCountsByItsPartsWhateverTheBoundary() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(upload(request, "one", "content"));

      assertFresh(first, 201);
      assertReplay(send(upload(request, "----another", "content")), first);
      assertProblem(send(upload(request, "one", "other content")), 422, "key-reused", false);
    }

    @Test
    void p10_headersOfOneAttemptDoNotCount() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first =
          send(
              request
                  .header("Date", "Tue, 15 Nov 2033 08:12:31 GMT")
                  .header("User-Agent", "client/1")
                  .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
                  .header("Signature", "sig1=:AAAA:"));

      assertReplay(
          send(
              request
                  .header("Date", "Tue, 15 Nov 2033 08:13:00 GMT")
                  .header("User-Agent", "client/2")
                  .header("traceparent", "00-1af7651916cd43dd8448eb211c80319c-c7ad6b7169203331-00")
                  .header("Signature", "sig1=:BBBB:")
                  .header("Accept-Language", "de")),
          first);
    }

    @Test
    void p10_onlyTheNamedFieldsCount() {
      String name = runs();
      RawRequest request = post(EndpointProfile.COMPARING, name, unique());

      RawResponse first =
          send(request.body(JSON, "{\"order\":{\"number\":7,\"note\":\"a\"},\"sent\":1}"));

      assertFresh(first, 201);
      assertReplay(send(request.body(JSON, "{\"sent\":2,\"order\":{\"number\":7.0}}")), first);
      for (String other :
          List.of(
              "{\"order\":{\"number\":8,\"note\":\"a\"},\"sent\":1}",
              "{\"sent\":1}",
              "{\"order\":{\"number\":7},\"order\":{\"number\":7}}")) {
        assertProblem(send(request.body(JSON, other)), 422, "key-reused", false);
      }
      assertRuns(name, 1);
    }

    @Test
    void p11_aDifferentRequestIsRefusedAndChangesNothing() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      RawResponse first = send(request);
      RawRequest patch = request("PATCH", EndpointProfile.PLAIN, name).header(KEY, keyOf(request));
      for (RawRequest other :
          List.of(
              request.body(JSON, "{\"amount\":2}"),
              request.body("text/plain", "{\"amount\":1}"),
              request.body(JSON, ""),
              request.at(path(EndpointProfile.PLAIN, name) + "?q=1"),
              patch)) {
        assertProblem(send(other), 422, "key-reused", false);
      }
      assertReplay(send(request), first);
      assertRuns(name, 1);
    }

    private String keyOf(RawRequest request) {
      return new String(request.toBytes(), java.nio.charset.StandardCharsets.ISO_8859_1)
          .lines()
          .filter(line -> line.startsWith(KEY + ": "))
          .findFirst()
          .orElseThrow()
          .substring(KEY.length() + 2);
    }

    @Test
    void p12_malformedIsToldBeforeReusedAndReusedBeforeBusy() throws Exception {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        RawRequest request = running.request;
        RawRequest other = request.body(JSON, "[]");
        assertProblem(send(other.header(KEY, unique())), 400, "key-malformed", false);
        assertProblem(send(other.with(KEY, "\"half")), 400, "key-malformed", false);
        assertProblem(send(other), 422, "key-reused", false);
        assertBusy(send(request));

        RawResponse first = running.end();

        assertFresh(first, 201);
        assertReplay(send(request), first);
        assertProblem(send(other), 422, "key-reused", false);
        assertRuns(running.name, 1);
      }
    }

    @Test
    void p12_eachRefusalIsToldBeforeTheNext() {
      String name = runs();
      RawRequest body = request("POST", EndpointProfile.BODY_KEY, name);
      RawRequest right =
          post(EndpointProfile.GUARDED, name, unique()).header(FIRST_SENT, httpDate(Instant.now()));
      RawRequest large = right.body(new byte[NodeSettings.MAX_REQUEST + 1]);
      RawRequest stale = large.with(FIRST_SENT, httpDate(Instant.now().minus(Duration.ofHours(2))));
      RawRequest nobodys = stale.without("Authorization");

      assertProblem(send(nobodys.with(KEY, "\"half")), 400, "key-malformed", false);
      assertProblem(send(nobodys), 403, "caller-required", false);
      assertProblem(send(stale), 412, "stale-request", false);
      assertProblem(send(large), 413, "request-too-large", false);
      assertProblem(
          send(body.body(new byte[NodeSettings.MAX_REQUEST + 1])), 413, "request-too-large", false);
      assertProblem(send(body), 400, "key-missing", false);
      assertRuns(name, 0);
      assertFresh(send(right), 201);
      assertRuns(name, 1);
    }

    @Test
    void p13_aNewKeyIsANewOperation() {
      String name = runs();

      RawResponse one = send(post(EndpointProfile.PLAIN, name, unique()));
      RawResponse other = send(post(EndpointProfile.PLAIN, name, unique()));

      assertFresh(other, 201);
      assertThat(other.text()).isNotEqualTo(one.text());
      assertRuns(name, 2);
      assertEffects(name, 2);
    }
  }
}
