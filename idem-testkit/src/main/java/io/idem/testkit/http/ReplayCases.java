package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** What a repeat is given. */
abstract class ReplayCases extends StoredCases {

  /** Points 26 to 30. */
  @Nested
  class Replay {

    @Test
    void p26_aReplayHasTheSameBytesAndTheAllowedHeadersOnly() {
      byte[] binary = new byte[70_000];
      new Random(3).nextBytes(binary);
      String name = unique();
      script.on(
          name,
          call ->
              ContractResponse.bytes(201, binary)
                  .header("Content-Type", "application/octet-stream")
                  .header("Location", "/orders/1")
                  .header("Content-Location", "/orders/1.bin")
                  .header("ETag", "\"1\"")
                  .header("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT")
                  .header("Link", "<a>; rel=\"x\"")
                  .header("Link", "<b>")
                  .header("X-Other", "7")
                  .header("X-Request-Id", "7")
                  .header("Set-Cookie", "session=7")
                  .header("WWW-Authenticate", "Basic")
                  .header("Keep-Alive", "timeout=7"));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);
      RawResponse replay = send(request);

      assertFresh(first, 201);
      assertThat(first.body()).isEqualTo(binary);
      assertReplay(replay, first);
      for (String header :
          List.of("Location", "Content-Location", "ETag", "Last-Modified", "Link")) {
        assertThat(replay.header(header)).as(header).isNotEmpty().isEqualTo(first.header(header));
      }
      assertThat(replay.header("Link")).containsExactly("<a>; rel=\"x\"", "<b>");
      for (String header : List.of("X-Other", "X-Request-Id", "Set-Cookie", "WWW-Authenticate")) {
        assertThat(first.header(header)).as(header).isNotEmpty();
        assertThat(replay.header(header)).as(header).isEmpty();
      }
      assertThat(replay.header("Keep-Alive")).doesNotContain("timeout=7");
    }

    @Test
    void p26_theSameAnswerAtAnotherNode() {
      String name = runs();
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertReplay(send(second(), request), first);
      assertRuns(name, 1);
    }

    @Test
    void p27_aReplayIsMarkedAndNotCached() {
      String name = unique();
      script.on(
          name, call -> ContractResponse.text(200, "paid").header("Cache-Control", "max-age=60"));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);
      RawResponse replay = send(request);

      assertFresh(first, 200);
      assertReplayed(replay);
      assertThat(replay.header("Cache-Control")).containsExactly("no-store");
      assertThat(
              send(request.header("Origin", "http://127.0.0.1:" + base().getPort()))
                  .header("Access-Control-Expose-Headers"))
          .as("headers that a browser's script may read")
          .anySatisfy(names -> assertThat(names).contains(REPLAYED));
    }

    @Test
    void p27_aBrowsersScriptMayReadWhenToRetry() {
      try (Running running = running(EndpointProfile.IMPATIENT)) {
        RawRequest ofAPage =
            running.request.header("Origin", "http://127.0.0.1:" + base().getPort());

        assertThat(send(ofAPage).header("Access-Control-Expose-Headers"))
            .anySatisfy(names -> assertThat(names).contains("Retry-After"));
      }
    }

    @Test
    void p28_aReplayPrecedesConditions() {
      String name = unique();
      script.on(
          name,
          call -> {
            // What every run of a handler does with the version it has made before.
            boolean current = "\"1\"".equals(call.header("If-Match")) && script.runs(name) == 1;
            return current
                ? ContractResponse.text(200, "updated").header("ETag", "\"2\"")
                : ContractResponse.empty(412);
          });
      RawRequest request =
          request("PUT", EndpointProfile.PUT, name)
              .header(KEY, unique())
              .header("If-Match", "\"1\"");

      RawResponse first = send(request);

      assertFresh(first, 200);
      assertReplay(send(request), first);
      assertReplay(send(request.with("If-Match", "\"2\"")), first);
    }

    @Test
    void p28_emptyAnswersReplayExactly() {
      for (int status : new int[] {200, 201, 204}) {
        String name = unique();
        script.on(name, call -> ContractResponse.empty(status));
        RawRequest request = post(EndpointProfile.PLAIN, name, unique());

        RawResponse first = send(request);
        RawResponse replay = send(request);

        assertFresh(first, status);
        assertThat(first.body()).isEmpty();
        assertReplay(replay, first);
        assertThat(replay.header("Content-Length")).isEqualTo(first.header("Content-Length"));
      }
    }

    @Test
    void p28_theContentCodingFollowsTheRetry() throws IOException {
      String text = "a rather long text ".repeat(500);
      String name = unique();
      script.on(name, call -> ContractResponse.text(200, text));
      RawRequest plain = post(EndpointProfile.PLAIN, name, unique());
      RawRequest coded = plain.header("Accept-Encoding", "gzip");

      RawResponse first = send(coded);

      assertFresh(first, 200);
      assertThat(first.header("Content-Encoding")).as("the server compresses").contains("gzip");
      RawResponse asIs = send(plain);
      assertReplayed(asIs);
      assertThat(asIs.header("Content-Encoding")).isEmpty();
      assertThat(asIs.text()).isEqualTo(text);
      RawResponse again = send(coded);
      assertReplayed(again);
      assertThat(again.header("Content-Encoding")).contains("gzip");
      try (GZIPInputStream body = new GZIPInputStream(new ByteArrayInputStream(again.body()))) {
        assertThat(new String(body.readAllBytes(), StandardCharsets.UTF_8)).isEqualTo(text);
      }
    }

    @Test
    void p28_aCodingOfTheHandlersOwnIsUndoneForWhoDoesNotAcceptIt() throws IOException {
      ByteArrayOutputStream coded = new ByteArrayOutputStream();
      try (GZIPOutputStream gzip = new GZIPOutputStream(coded)) {
        gzip.write('x');
      }
      String name = unique();
      script.on(
          name,
          call ->
              ContractResponse.bytes(200, coded.toByteArray())
                  .header("Content-Type", "text/plain")
                  .header("Content-Encoding", "gzip"));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());
      RawResponse first = send(request.header("Accept-Encoding", "gzip"));
      assertFresh(first, 200);

      RawResponse plain = send(request.header("Accept-Encoding", "identity"));
      RawResponse again = send(request.header("Accept-Encoding", "gzip"));

      assertReplayed(plain);
      assertThat(plain.header("Content-Encoding")).isEmpty();
      assertThat(plain.text()).isEqualTo("x");
      assertReplay(again, first);
      assertThat(again.header("Content-Encoding")).containsExactly("gzip");
    }

    @Test
    void p29_whatAnExceptionHandlerAnswersIsWhatIsStored() {
      String name = unique();
      script.on(
          name,
          call -> {
            throw new ContractRejection("no funds, says run " + script.runs(name));
          });
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 402);
      assertThat(first.text()).isEqualTo("no funds, says run 1");
      assertReplay(send(request), first);
      assertRuns(name, 1);
    }

    @Test
    void p29_anErrorPageIsReplayedByteForByte() {
      String name = unique();
      script.on(name, call -> ContractResponse.errorPage(404, "no such order"));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      RawResponse first = send(request);

      assertFresh(first, 404);
      assertThat(first.body()).isNotEmpty();
      assertReplay(send(request), first);
      assertRuns(name, 1);
      RawResponse another = send(request.with(KEY, unique()));
      assertThat(another.body()).as("a page of its own").isNotEqualTo(first.body());
    }

    @Test
    void p29_anErrorPageFollowsTheStatusesOfThePolicy() {
      String name = unique();
      script.on(name, call -> ContractResponse.errorPage(403, "not today"));
      RawRequest request = post(EndpointProfile.PLAIN, name, unique());

      assertFresh(send(request), 403);
      assertFresh(send(request), 403);
      assertRuns(name, 2);
    }

    @Test
    void p30_aRevokedCallerIsNotGivenTheAnswer() {
      String name = runs();
      String caller = "dave" + unique();
      RawRequest request =
          post(EndpointProfile.PLAIN, name, unique())
              .with("Authorization", "Bearer " + caller + ".1");
      RawResponse first = send(request);
      assertFresh(first, 201);
      for (int status : new int[] {401, 403}) {
        script.refuse(caller, status);
        RawResponse refused = send(request);
        assertFresh(refused, status);
        assertThat(refused.text()).doesNotContain(first.text());
      }
      script.admit(caller);

      assertReplay(send(request), first);
      assertRuns(name, 1);
    }

    @Test
    void p30_aRuleOnTheHandlerIsAskedBeforeAReplay() {
      String name = runs();
      String caller = "erin" + unique();
      RawRequest request =
          post(EndpointProfile.SECURED, name, unique())
              .with("Authorization", "Bearer " + caller + ".1");
      assertFresh(send(request), 403);
      script.grant(caller);
      RawResponse first = send(request);
      assertFresh(first, 201);
      script.revoke(caller);
      for (RawRequest revoked : List.of(request, request.body(JSON, "[]"))) {
        RawResponse refused = send(revoked);
        assertFresh(refused, 403);
        assertThat(refused.text()).doesNotContain(first.text());
      }
      script.grant(caller);

      assertReplay(send(request), first);
      assertRuns(name, 1);
    }
  }
}
