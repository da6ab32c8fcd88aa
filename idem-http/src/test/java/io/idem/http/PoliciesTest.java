package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Disposition;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class PoliciesTest {

  @ParameterizedTest
  @CsvSource({
    "200, RECORD",
    "201, RECORD",
    "204, RECORD",
    "303, RECORD",
    "400, RELEASE",
    "401, RELEASE",
    "402, RECORD_REJECTION",
    "403, RELEASE",
    "404, RECORD_REJECTION",
    "408, RELEASE",
    "409, RECORD_REJECTION",
    "422, RECORD_REJECTION",
    "425, RELEASE",
    "429, RELEASE",
    "500, UNKNOWN",
    "503, UNKNOWN"
  })
  void p21_theStatusDecidesAboutTheKey(int status, Disposition disposition) {
    assertThat(ResponsePolicy.DEFAULT.dispositionOf(status)).isEqualTo(disposition);
  }

  @Test
  void p21_thePolicyIsConfigurable() {
    ResponsePolicy policy =
        ResponsePolicy.DEFAULT.onServerError(Disposition.RELEASE).releasing(Set.of(429));

    assertThat(policy.dispositionOf(500)).isEqualTo(Disposition.RELEASE);
    assertThat(policy.dispositionOf(400)).isEqualTo(Disposition.RECORD_REJECTION);
    assertThatThrownBy(() -> policy.releasing(Set.of(500)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Set-Cookie",
        "set-cookie",
        "WWW-Authenticate",
        "Proxy-Authenticate",
        "Connection",
        "Transfer-Encoding",
        "Content-Length",
        "Date",
        "X-Request-ID",
        "traceparent",
        "not a name"
      })
  void p26_whatMustNeverBeReplayedCannotBeConfigured(String name) {
    assertThat(ReplayHeaders.standard().contains(name)).isFalse();
    assertThatThrownBy(() -> ReplayHeaders.standard().and(name))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void p26_theListIsStandardPlusConfigured() {
    ReplayHeaders headers = ReplayHeaders.standard().and("X-Order");

    assertThat(headers.contains("x-order")).isTrue();
    assertThat(headers.contains("content-TYPE")).isTrue();
    assertThat(ReplayHeaders.standard().contains("X-Order")).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "head", "OPTIONS"})
  void p06_safeMethodsCannotBeProtected(String method) {
    HttpEndpoint.Builder builder = HttpIdempotencyTest.endpoint("safe");

    assertThatThrownBy(() -> builder.methods(method)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void p33_aProblemIsProblemJson() {
    Problem problem =
        new Problem(
            ProblemType.IN_PROGRESS,
            "/idempotency/problems/in-progress",
            409,
            "In \"progress\"",
            "Wait\n.",
            Duration.ofMillis(1001));

    assertThat(new String(problem.toJson(), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"/idempotency/problems/in-progress\",\"title\":\"In \\\"progress\\\"\","
                + "\"status\":409,\"detail\":\"Wait\\n.\",\"retryable\":true}");
    assertThat(problem.headers())
        .containsExactly(
            new HeaderField("Content-Type", "application/problem+json"),
            new HeaderField("Cache-Control", "no-store"),
            new HeaderField("Retry-After", "2"));
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 1", "1000, 1", "1001, 2", "60000, 60"})
  void p33_retryAfterIsRoundedUpAndAtLeastOne(int millis, String seconds) {
    Problem problem =
        new Problem(ProblemType.IN_PROGRESS, "x", 409, "t", "d", Duration.ofMillis(millis));

    assertThat(problem.headers()).contains(new HeaderField("Retry-After", seconds));
  }

  @ParameterizedTest
  @EnumSource
  void p33_everyCauseIsDocumentedUnderAStableType(ProblemType type) {
    assertThat(ProblemType.ofSlug(type.slug())).contains(type);
    assertThat(type.documentation()).contains("What to do:").doesNotContain("\\");
    assertThat(type.status()).isBetween(400, 599);
  }

  @ParameterizedTest
  @EnumSource
  void p33_everyCauseHasATitleInEveryLanguage(ProblemType type) {
    for (String language : BundledTexts.LANGUAGES) {
      assertThat(ProblemTexts.bundled().title(type, Locale.forLanguageTag(language)))
          .as(language)
          .isNotBlank()
          .isNotEqualTo(type.title());
    }
  }

  @Test
  void p33_theTypesAreAPublishedSet() {
    assertThat(Arrays.stream(ProblemType.values()).map(ProblemType::slug))
        .isEqualTo(
            List.of(
                "key-missing",
                "key-malformed",
                "key-not-supported",
                "caller-required",
                "source-foreign",
                "stale-request",
                "request-too-large",
                "request-malformed",
                "key-reused",
                "in-progress",
                "outcome-unknown",
                "answer-not-stored",
                "store-unavailable",
                "token-not-issued",
                "token-invalid",
                "token-foreign",
                "token-expired",
                "illegal-transition",
                "object-not-found",
                "contention",
                "contention-unsettled",
                "store-unsettled"));
  }
}
