package io.idem.testkit.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The points that no adapter fulfils yet. Nothing extends this class: its cases say what is to be
 * built, and each moves into {@link HttpContract} with the commit that makes it pass.
 */
public abstract class UpcomingHttpContract extends HttpCases {

  private static final DateTimeFormatter HTTP_DATE =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", java.util.Locale.ROOT)
          .withZone(ZoneOffset.UTC);

  /** For subclasses. */
  protected UpcomingHttpContract() {}

  // ---- point 4: where the key comes from

  @Test
  void p04_theKeyMayBeAMemberOfTheBody() {
    String name = runs();
    String number = unique();
    RawRequest request =
        request("POST", EndpointProfile.BODY_KEY, name)
            .body(JSON, "{\"amount\":1,\"number\":\"" + number + "\"}");

    RawResponse first = send(request);

    assertFresh(first, 201);
    assertReplay(
        send(request.body(JSON, "{ \"number\":\"" + number + "\", \"amount\":1 }")), first);
    assertProblem(
        send(request.body(JSON, "{\"amount\":2,\"number\":\"" + number + "\"}")),
        422,
        "key-reused",
        false);
    assertProblem(send(request.body(JSON, "{\"amount\":1}")), 400, "key-missing", false);
    assertProblem(
        send(request.body(JSON, "{\"number\":\"1\",\"number\":\"2\"}")),
        400,
        "key-malformed",
        false);
    assertRuns(name, 1);
  }

  @Test
  void p04_theKeyMayBeInThePath() {
    String name = runs();
    RawRequest request = request("POST", EndpointProfile.PATH_KEY, name);

    RawResponse first = send(request);

    assertFresh(first, 201);
    assertReplay(send(request), first);
    assertProblem(send(request.body(JSON, "[]")), 422, "key-reused", false);
    assertRuns(name, 1);
  }

  @Test
  void p04_sourceAndNumberAreTheIdentity() {
    String name = runs();
    String number = unique();
    RawRequest request =
        request("POST", EndpointProfile.SOURCED, name)
            .header("X-System", "erp")
            .header("X-Number", number);

    RawResponse first = send(request);

    assertFresh(first, 201);
    assertReplay(send(request), first);
    assertFresh(send(request.with("X-System", "crm")), 201);
    // Another caller's erp is another erp.
    assertFresh(send(request.with("Authorization", "Bearer bob.1")), 201);
    assertProblem(send(request.without("X-Number")), 400, "key-missing", false);
    assertProblem(send(request.without("X-System")), 400, "key-missing", false);
    assertRuns(name, 3);
  }

  @Test
  void p04_aTokenIsAKey() {
    String name = runs();
    RawRequest request =
        request("POST", EndpointProfile.TOKEN, name).header(KEY, token("contract.token", ALICE));

    RawResponse first = send(request);

    assertFresh(first, 201);
    assertReplay(send(request), first);
    assertReplay(send(second(), request), first);
    assertRuns(name, 1);
  }

  @Test
  void p04_aTokenOfAnotherOrOfNobodySaysWhich() {
    String name = runs();
    String token = token("contract.token", ALICE);
    RawRequest request = request("POST", EndpointProfile.TOKEN, name);
    char last = token.charAt(token.length() - 1) == 'A' ? 'B' : 'A';

    assertProblem(
        send(request.header(KEY, token.substring(0, token.length() - 1) + last)),
        400,
        "token-invalid",
        false);
    assertProblem(
        send(request.header(KEY, token).with("Authorization", "Bearer bob.1")),
        403,
        "token-foreign",
        false);
    assertRuns(name, 0);
  }

  private String token(String operation, String authorization) {
    RawResponse issued =
        send(
            RawRequest.of("POST", "/idempotency/tokens")
                .header("Authorization", authorization)
                .body(FORM, "operation=" + operation));
    assertThat(issued.status()).as("status of %s", issued).isEqualTo(200);
    Matcher token = Pattern.compile("\"token\":\"([^\"]+)\"").matcher(issued.text());
    assertThat(token.find()).as("a token in %s", issued).isTrue();
    return token.group(1);
  }

  // ---- point 7: keys that nobody looks at

  @Test
  void p07_aKeyThatIsIgnoredIsFlagged() {
    String name = runs();

    assertThat(send(post(EndpointProfile.OPEN, name, unique())).header("Idempotency-Key-Ignored"))
        .containsExactly("true");
    assertThat(send(request("POST", EndpointProfile.OPEN, name)).header("Idempotency-Key-Ignored"))
        .isEmpty();
    assertThat(send(post(EndpointProfile.PLAIN, name, unique())).header("Idempotency-Key-Ignored"))
        .isEmpty();
  }

  // ---- point 9: the key at another path

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
  }

  @Test
  void p09_theKeyAtAnotherPathMayBeMisuse() {
    String one = runs();
    String other = runs();
    String key = unique();

    assertFresh(send(post(EndpointProfile.MISUSE, one, key)), 201);
    assertProblem(send(post(EndpointProfile.MISUSE, other, key)), 422, "key-reused", false);
    assertRuns(other, 0);
  }

  @Test
  void p09_noSpellingOfThePathRunsTwice() {
    String name = runs();
    RawRequest request = post(EndpointProfile.PLAIN, name, unique());
    send(request);
    String first = "%" + Integer.toHexString(name.charAt(0));

    RawResponse respelled =
        send(request.at(path(EndpointProfile.PLAIN, first + name.substring(1))));

    assertThat(respelled.status()).as("status of %s", respelled).isIn(201, 422);
    assertRuns(name, 1);
  }

  // ---- point 10: the fields that count

  @Test
  void p10_onlyTheNamedFieldsCount() {
    String name = runs();
    RawRequest request = post(EndpointProfile.COMPARING, name, unique());

    RawResponse first =
        send(request.body(JSON, "{\"order\":{\"number\":7,\"note\":\"a\"},\"sent\":1}"));

    assertFresh(first, 201);
    assertReplay(send(request.body(JSON, "{\"sent\":2,\"order\":{\"number\":7.0}}")), first);
    assertProblem(
        send(request.body(JSON, "{\"order\":{\"number\":8,\"note\":\"a\"},\"sent\":1}")),
        422,
        "key-reused",
        false);
    assertProblem(send(request.body(JSON, "{\"sent\":1}")), 422, "key-reused", false);
  }

  // ---- points 14 and 21: settings of an endpoint

  @Test
  void p14_theBusyStatusIsConfigurable() throws Exception {
    String name = unique();
    ContractScript.Held held = script.hold(name);
    RawRequest request = post(EndpointProfile.BUSY_STATUS, name, unique());
    CompletableFuture<RawResponse> first = later(request);
    try {
      held.entered();
      assertProblem(send(request), 425, "in-progress", true);
    } finally {
      held.letGo();
    }
    assertFresh(answer(first), 201);
  }

  @Test
  void p21_aServerErrorIsRecordedWhereTheOperationSaysSo() {
    String name = unique();
    script.on(name, call -> ContractResponse.text(502, "broken"));
    RawRequest request = post(EndpointProfile.RECORDING, name, unique());

    RawResponse first = send(request);

    assertFresh(first, 502);
    assertReplay(send(request), first);
    assertRuns(name, 1);
  }

  // ---- points 27 to 30: replays

  @Test
  void p27_aBrowsersScriptMayReadWhenToRetry() throws Exception {
    String name = unique();
    ContractScript.Held held = script.hold(name);
    RawRequest request =
        post(EndpointProfile.IMPATIENT, name, unique())
            .header("Origin", "http://127.0.0.1:" + base().getPort());
    CompletableFuture<RawResponse> first = later(request);
    try {
      held.entered();
      assertThat(send(request).header("Access-Control-Expose-Headers"))
          .anySatisfy(names -> assertThat(names).contains("Retry-After"));
    } finally {
      held.letGo();
    }
    answer(first);
  }

  @Test
  void p28_aCodingOfTheHandlersOwnIsUndoneForWhoDoesNotAcceptIt() throws Exception {
    java.io.ByteArrayOutputStream coded = new java.io.ByteArrayOutputStream();
    try (java.util.zip.GZIPOutputStream gzip = new java.util.zip.GZIPOutputStream(coded)) {
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
    send(request.header("Accept-Encoding", "gzip"));

    RawResponse plain = send(request.header("Accept-Encoding", "identity"));

    assertReplayed(plain);
    assertThat(plain.header("Content-Encoding")).isEmpty();
    assertThat(plain.text()).isEqualTo("x");
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
    RawResponse refused = send(request);
    assertFresh(refused, 403);
    assertThat(refused.text()).doesNotContain(first.text());
    script.grant(caller);

    assertReplay(send(request), first);
    assertRuns(name, 1);
  }

  // ---- points 31 and 32: time

  @Test
  void p31_theLifetimeOfAKeyIsPublished() {
    String name = runs();
    RawRequest request = post(EndpointProfile.PLAIN, name, unique());
    for (RawResponse answer : List.of(send(request), send(request))) {
      assertThat(answer.header("Idempotency-Key-Lifetime")).containsExactly("PT24H");
    }
    assertThat(
            send(post(EndpointProfile.EXPIRING, name, unique())).header("Idempotency-Key-Lifetime"))
        .containsExactly("PT2S");
  }

  @Test
  void p32_aStaleRequestIsRefused() {
    String name = runs();
    Instant now = Instant.now();
    RawRequest request = post(EndpointProfile.GUARDED, name, unique());

    assertProblem(
        send(
            request.header(
                "Repeatability-First-Sent", HTTP_DATE.format(now.minus(Duration.ofHours(2))))),
        412,
        "stale-request",
        false);
    UUID old = new UUID(now.minus(Duration.ofHours(2)).toEpochMilli() << 16 | 0x7000, 1L << 63);
    assertProblem(
        send(post(EndpointProfile.GUARDED, name, old.toString())), 412, "stale-request", false);
    assertRuns(name, 0);
    assertFresh(send(request.header("Repeatability-First-Sent", HTTP_DATE.format(now))), 201);
  }

  // ---- points 33 and 34: how refusals are spelled

  @Test
  void p33_aTitleSpeaksTheClientsLanguage() {
    String name = runs();
    RawRequest request = request("POST", EndpointProfile.PLAIN, name);

    RawResponse english = send(request);
    RawResponse german = send(request.header("Accept-Language", "de-CH, de;q=0.9, en;q=0.1"));

    assertProblem(german, 400, "key-missing", false);
    assertThat(german.header("Content-Language")).containsExactly("de");
    assertThat(german.text()).isNotEqualTo(english.text());
  }

  @Test
  void p34_stripesDialect() throws Exception {
    String name = unique();
    ContractScript.Held held = script.hold(name);
    String key = unique();
    RawRequest request = post(EndpointProfile.STRIPE, name, key);
    CompletableFuture<RawResponse> first = later(request);
    try {
      held.entered();
      RawResponse reused = send(request.body(JSON, "[]"));
      assertThat(reused.status()).isEqualTo(400);
      assertThat(reused.text()).contains("\"error\"", "\"type\":\"idempotency_error\"");
    } finally {
      held.letGo();
    }
    assertThat(answer(first).header(KEY)).containsExactly(key);
    assertThat(answer(first).header("Request-Id")).hasSize(1);
  }

  @Test
  void p34_oasisDialect() {
    String name = runs();
    RawRequest request =
        request("POST", EndpointProfile.OASIS, name)
            .header("Repeatability-Request-ID", unique())
            .header("Repeatability-First-Sent", HTTP_DATE.format(Instant.now()));

    RawResponse first = send(request);

    assertFresh(first, 201);
    assertThat(first.header("Repeatability-Result")).containsExactly("accepted");
    RawResponse replay = send(request);
    assertReplay(replay, first);
    assertThat(replay.header("Repeatability-Result")).containsExactly("accepted");
    assertThat(send(request.without("Repeatability-First-Sent")).header("Repeatability-Result"))
        .containsExactly("rejected");
    assertRuns(name, 1);
  }
}
