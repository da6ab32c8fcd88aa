package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How each dialect spells keys, refusals and answers. */
class DialectsTest {

  private final String firstSent = sent(Duration.ZERO);

  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final HttpIdempotency protocol = new HttpIdempotency();

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void p34_eachHasItsName() {
    assertThat(HttpDialect.all().stream().map(HttpDialect::name))
        .containsExactly("ietf", "stripe", "oasis");
  }

  @ParameterizedTest
  @CsvSource({
    "KEY_MISSING, 400, invalid_request_error, key_missing, false",
    "KEY_MALFORMED, 400, invalid_request_error, key_malformed, false",
    "CALLER_REQUIRED, 403, invalid_request_error, caller_required, false",
    "REQUEST_TOO_LARGE, 413, invalid_request_error, request_too_large, false",
    "KEY_REUSED, 400, idempotency_error, key_reused, false",
    "IN_PROGRESS, 409, idempotency_error, idempotency_key_in_use, true",
    "OUTCOME_UNKNOWN, 409, idempotency_error, outcome_unknown, false",
    "ANSWER_NOT_STORED, 409, idempotency_error, answer_not_stored, false",
    "STORE_UNAVAILABLE, 503, api_error, store_unavailable, true"
  })
  void p34_stripeSpellsEveryRefusal(
      ProblemType type, int status, String errorType, String code, String shouldRetry) {
    StoredResponse refusal = refusal(HttpDialect.stripe(), type, Map.of("Idempotency-Key", "k-1"));

    assertThat(refusal.status()).isEqualTo(status);
    assertThat(text(refusal))
        .isEqualTo(
            "{\"error\":{\"type\":\"%s\",\"code\":\"%s\",\"message\":\"Say \\\"please\\\".\","
                    .formatted(errorType, code)
                + "\"doc_url\":\"/idempotency/problems/%s\"}}".formatted(type.slug()));
    assertThat(refusal.headers())
        .containsExactly(
            new HeaderField("Content-Type", "application/json"),
            new HeaderField("Cache-Control", "no-store"),
            new HeaderField("Retry-After", "2"),
            new HeaderField("Stripe-Should-Retry", shouldRetry),
            new HeaderField("Idempotency-Key", "k-1"));
  }

  @Test
  void p34_stripeKeepsTheConfiguredStatusOfABusyKey() {
    assertThat(HttpDialect.stripe().statusOf(ProblemType.IN_PROGRESS, 429)).isEqualTo(429);
  }

  @Test
  void p34_stripeRepeatsTheKeyWithEveryAnswer() {
    HttpRequestHead request = new Post(Map.of("Idempotency-Key", " k-1 "));

    assertThat(HttpDialect.stripe().onFresh(request))
        .containsExactly(new HeaderField("Idempotency-Key", "k-1"));
    assertThat(HttpDialect.stripe().onReplay(request))
        .containsExactly(new HeaderField("Idempotency-Key", "k-1"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a,b", "a\u0001b", "", "\"open"})
  void p34_whatIsNoKeyIsNotRepeated(String key) {
    StoredResponse refusal =
        refusal(HttpDialect.stripe(), ProblemType.KEY_MALFORMED, Map.of("Idempotency-Key", key));

    assertThat(refusal.headers()).noneMatch(header -> header.name().equals("Idempotency-Key"));
  }

  @ParameterizedTest
  @EnumSource
  void p34_oasisSaysOfEveryRefusalWhetherTheRequestWasAccepted(ProblemType type) {
    boolean known =
        switch (type) {
          case IN_PROGRESS, OUTCOME_UNKNOWN, ANSWER_NOT_STORED -> true;
          default -> false;
        };

    StoredResponse refusal = refusal(HttpDialect.oasis(), type, Map.of());

    assertThat(refusal.status()).isEqualTo(type.status());
    assertThat(refusal.headers())
        .contains(
            new HeaderField("Content-Type", Problem.MEDIA_TYPE),
            new HeaderField("Repeatability-Result", known ? "accepted" : "rejected"));
    assertThat(text(refusal)).contains("/idempotency/problems/" + type.slug());
  }

  @Test
  void p34_oasisSaysThatARunAndItsReplayWereAccepted() {
    HttpRequestHead request = repeatable(Map.of());
    HeaderField accepted = new HeaderField("Repeatability-Result", "accepted");

    assertThat(HttpDialect.oasis().onFresh(request)).containsExactly(accepted);
    assertThat(HttpDialect.oasis().onReplay(request)).containsExactly(accepted);
  }

  @Test
  void p34_oasisReadsTheIdAsItIs() {
    KeySource source = HttpDialect.oasis().keySource(new KeySyntax("X-Key", 40, true));

    assertThat(source.read(repeatable(Map.of()))).isEqualTo(new KeySyntax.Key("id-1"));
    assertThat(source.read(repeatable(Map.of("Repeatability-Request-ID", "x".repeat(41)))))
        .isInstanceOf(KeySyntax.Malformed.class);
    assertThat(source.maySend(repeatable(Map.of()))).isTrue();
    assertThat(source.maySend(new Post(Map.of("Repeatability-First-Sent", "x")))).isTrue();
    assertThat(source.maySend(new Post(Map.of("Idempotency-Key", "k")))).isFalse();
  }

  @Test
  void p34_withoutBothHeadersThereIsNoOasisKey() {
    KeySource source = HttpDialect.oasis().keySource(KeySyntax.DEFAULT);

    assertThat(source.read(new Post(Map.of()))).isEqualTo(new KeySyntax.Missing());
    assertThat(source.missingDetail())
        .contains("Repeatability-Request-ID", "Repeatability-First-Sent");
    assertThat(source.read(new Post(Map.of("Repeatability-First-Sent", firstSent))))
        .isInstanceOfSatisfying(
            KeySyntax.Malformed.class,
            malformed -> assertThat(malformed.detail()).contains("Repeatability-Request-ID"));
    assertThat(source.read(new Post(Map.of("Repeatability-Request-ID", "id-1"))))
        .isInstanceOfSatisfying(
            KeySyntax.Malformed.class,
            malformed -> assertThat(malformed.detail()).contains("Repeatability-First-Sent"));
    assertThat(source.read(repeatable(Map.of("Repeatability-First-Sent", "yesterday"))))
        .isInstanceOfSatisfying(
            KeySyntax.Malformed.class,
            malformed ->
                assertThat(malformed.detail())
                    .contains("Repeatability-First-Sent")
                    .doesNotContain("yesterday"));
  }

  @Test
  void p34_anOasisClientHasItsOwnIds() throws Exception {
    HttpEndpoint endpoint =
        HttpEndpoint.builder(
                HttpIdempotency.operation(engine, "pay").waitAtMost(Duration.ZERO).build())
            .dialect(HttpDialect.oasis())
            .build();

    assertThat(run(endpoint, Map.of())).isInstanceOf(HttpAnswer.Fresh.class);
    assertThat(run(endpoint, Map.of("Repeatability-Client-ID", "one")))
        .isInstanceOf(HttpAnswer.Fresh.class);
    assertThat(run(endpoint, Map.of("Repeatability-Client-ID", "two")))
        .isInstanceOf(HttpAnswer.Fresh.class);
    assertThat(run(endpoint, Map.of("Repeatability-Client-ID", "one")))
        .isInstanceOfSatisfying(
            HttpAnswer.Replay.class,
            replay ->
                assertThat(replay.response().headers())
                    .contains(
                        new HeaderField("Idempotent-Replayed", "true"),
                        new HeaderField("Repeatability-Result", "accepted")));
    assertThat(run(endpoint, Map.of("Repeatability-Client-ID", "no name")))
        .isInstanceOfSatisfying(
            HttpAnswer.Refusal.class,
            refusal -> assertThat(refusal.problem().type()).isEqualTo(ProblemType.KEY_MALFORMED));
  }

  @Test
  void p34_theNameOfAnOasisClientIsBounded() {
    KeySource source = HttpDialect.oasis().keySource(KeySyntax.DEFAULT);

    assertThat(source.read(repeatable(Map.of("Repeatability-Client-ID", "y".repeat(255)))))
        .isEqualTo(new KeySyntax.Key("id-1", "y".repeat(255)));
    assertThat(source.read(repeatable(Map.of("Repeatability-Client-ID", "y".repeat(256)))))
        .isInstanceOf(KeySyntax.Malformed.class);
  }

  @Test
  void p34_anOasisRequestIsNotOlderThanItsRecordMayBe() throws Exception {
    HttpEndpoint endpoint =
        HttpEndpoint.builder(
                HttpIdempotency.operation(engine, "pay").retention(Duration.ofHours(1)).build())
            .dialect(HttpDialect.oasis())
            .build();

    assertThat(run(endpoint, Map.of("Repeatability-First-Sent", sent(Duration.ofMinutes(56)))))
        .isInstanceOfSatisfying(
            HttpAnswer.Refusal.class,
            refusal -> {
              assertThat(refusal.problem().type()).isEqualTo(ProblemType.STALE_REQUEST);
              assertThat(
                      protocol.render(endpoint, repeatable(Map.of()), refusal.problem()).headers())
                  .contains(new HeaderField("Repeatability-Result", "rejected"));
            });
    assertThat(run(endpoint, Map.of("Repeatability-First-Sent", sent(Duration.ofMinutes(54)))))
        .isInstanceOf(HttpAnswer.Fresh.class);
  }

  @Test
  void p34_aKeyOfStripesIsOfOnePath() {
    assertThat(HttpDialect.stripe().pathScope()).isEqualTo(PathScope.MISUSE);
    assertThat(HttpDialect.stripe().keySpace()).isEqualTo("stripe");
    assertThat(HttpDialect.ietf().keySpace()).isNull();
    assertThat(HttpDialect.oasis().keySpace()).isNull();
    assertThat(HttpDialect.ietf().pathScope()).isEqualTo(PathScope.SEPARATE);
  }

  private HttpAnswer run(HttpEndpoint endpoint, Map<String, String> headers) throws IOException {
    return protocol.execute(
        endpoint,
        repeatable(headers),
        attempt ->
            new HandlerResponse(
                200,
                List.of(),
                new HandlerResponse.Body(new byte[] {1}),
                HandlerResponse.Directive.BY_STATUS));
  }

  private static StoredResponse refusal(
      HttpDialect dialect, ProblemType type, Map<String, String> headers) {
    Problem problem =
        new Problem(
            type,
            "/idempotency/problems/" + type.slug(),
            dialect.statusOf(type, type.status()),
            type.title(),
            "Say \"please\".",
            Duration.ofMillis(1500));
    return dialect.refusal(problem, new Post(headers));
  }

  /** The date of an attempt that is so long ago. */
  private static String sent(Duration ago) {
    return DateTimeFormatter.ofPattern("EEE, dd MMM uuuu HH:mm:ss 'GMT'", Locale.US)
        .format(ZonedDateTime.now(ZoneOffset.UTC).minus(ago));
  }

  private static String text(StoredResponse response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  /** A repeatable request with more headers, or others in their place. */
  private Post repeatable(Map<String, String> headers) {
    Map<String, String> all = new HashMap<>();
    all.put("Repeatability-Request-ID", "id-1");
    all.put("Repeatability-First-Sent", firstSent);
    all.putAll(headers);
    return new Post(all);
  }
}
