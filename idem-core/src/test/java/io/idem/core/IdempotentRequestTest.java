package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.idem.core.store.Fingerprint;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdempotentRequestTest {

  @ParameterizedTest
  @ValueSource(strings = {"a", "😀", "a😀b", "é", " ", "\0"})
  void anyUnicodeIsAKeyAndASource(String text) {
    assertThat(IdempotentRequest.of(text).from(text).key()).isEqualTo(text);
  }

  @ParameterizedTest
  @ValueSource(strings = {"\uD83D", "\uDE00", "a\uD83D", "\uD83Da", "\uDE00\uD83D", "😀\uDE00"})
  void halfASurrogatePairIsNoKeyAndNoSource(String text) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotentRequest.of(text))
        .withMessageContaining("key has half a surrogate pair");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotentRequest.of("k").from(text))
        .withMessageContaining("source has half a surrogate pair");
  }

  @Test
  void lengthsAreBounded() {
    String longest = "k".repeat(IdempotentRequest.MAX_KEY_LENGTH);
    assertThat(IdempotentRequest.of(longest).from(longest).source()).isEqualTo(longest);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotentRequest.of(longest + "k"))
        .withMessage("The key has at most 1024 characters, found 1025");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotentRequest.of("k").from(longest + "k"))
        .withMessage("The source has at most 1024 characters, found 1025");
    assertThatIllegalArgumentException().isThrownBy(() -> IdempotentRequest.of(""));
  }

  @Test
  void aRequestWithoutAFingerprintIsRefusedBeforeItReachesAStore() {
    assertThatNullPointerException().isThrownBy(() -> IdempotentRequest.of("k").with(null));
  }

  @Test
  void copiesKeepTheOtherParts() {
    IdempotentRequest request = IdempotentRequest.of("k").from("s").comparing("100", "EUR");
    assertThat(request.key()).isEqualTo("k");
    assertThat(request.source()).isEqualTo("s");
    assertThat(request.fingerprint()).isEqualTo(Fingerprint.of("100", "EUR"));
    assertThat(request.from("t").fingerprint()).isEqualTo(request.fingerprint());
  }

  @Test
  void itsTextNamesNeitherKeyNorSource() {
    assertThat(IdempotentRequest.of("secret-key").from("secret-caller").toString())
        .doesNotContain("secret");
  }
}
