package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OutgoingCallTest {

  private static final Instant TIME = Instant.parse("2026-11-26T08:09:07.5Z");

  @ParameterizedTest
  @ValueSource(strings = {"", "  ", "a\nb", "\u007f", "größe"})
  void whatIsNoKeyIsRefused(String key) {
    assertThatIllegalArgumentException().isThrownBy(() -> OutgoingCall.of(key));
  }

  @Test
  void aKeyHasABound() {
    assertThat(OutgoingCall.of("k".repeat(255)).key()).hasSize(255);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> OutgoingCall.of("k".repeat(256)))
        .withMessageContaining("found 256");
  }

  @Test
  void theTextsOfACallDoNotShowItsKey() {
    assertThat(OutgoingCall.of("secret")).asString().doesNotContain("secret");
    assertThat(new CallAnswer.Unknown<String>("secret", null, null))
        .asString()
        .doesNotContain("secret");
  }

  @Test
  void aKeyIsQuotedWhereItHasTo() {
    assertThat(KeyHeaders.idempotencyKey().of(OutgoingCall.of("a-b\\c"), TIME))
        .isEqualTo(Map.of("Idempotency-Key", "a-b\\c"));
    assertThat(KeyHeaders.bare("X-Key").of(OutgoingCall.of("a \"b\" \\"), TIME))
        .isEqualTo(Map.of("X-Key", "\"a \\\"b\\\" \\\\\""));
    assertThat(KeyHeaders.quoted("X-Key").of(OutgoingCall.of("ab"), TIME))
        .isEqualTo(Map.of("X-Key", "\"ab\""));
  }

  @Test
  void repeatableRequestsTellWhenTheyWereSentFirst() {
    IdempotentCalls calls =
        IdempotentCalls.builder().headers(KeyHeaders.repeatability()).clock(() -> TIME).build();
    OutgoingCall call = OutgoingCall.of("id");

    assertThat(calls.headers(call))
        .isEqualTo(
            Map.of(
                "Repeatability-Request-ID", "id",
                "Repeatability-First-Sent", "Thu, 26 Nov 2026 08:09:07 GMT"));
    assertThat(calls.headers(call.firstSentAt(TIME.minus(Duration.ofHours(1)))))
        .containsEntry("Repeatability-First-Sent", "Thu, 26 Nov 2026 07:09:07 GMT");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "Idempotency Key", "Key:", "Schlüssel"})
  void whatIsNoHeaderIsRefused(String name) {
    assertThatIllegalArgumentException().isThrownBy(() -> KeyHeaders.bare(name));
  }
}
