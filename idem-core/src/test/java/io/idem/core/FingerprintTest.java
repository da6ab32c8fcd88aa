package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.store.Fingerprint;
import org.junit.jupiter.api.Test;

class FingerprintTest {

  @Test
  void theStoredFormIsStable() {
    assertThat(Fingerprint.of("100", "EUR")).hasToString("3541168510c3a015e13588e3ed146b03");
    assertThat(Fingerprint.fromBytes(Fingerprint.of("100").toBytes()))
        .isEqualTo(Fingerprint.of("100"));
    assertThat(Fingerprint.fromBytes(new byte[0])).isEqualTo(Fingerprint.NONE);
  }

  @Test
  void movingABoundaryChangesIt() {
    assertThat(Fingerprint.of("ab", "c")).isNotEqualTo(Fingerprint.of("a", "bc"));
    assertThat(Fingerprint.of("a")).isNotEqualTo(Fingerprint.of("a", ""));
    assertThat(Fingerprint.of()).isNotEqualTo(Fingerprint.of(""));
  }

  @Test
  void halfASurrogatePairDiffersFromWhatUtf8WouldReplaceItBy() {
    assertThat(Fingerprint.of("\uD800"))
        .isNotEqualTo(Fingerprint.of("?"))
        .isNotEqualTo(Fingerprint.of("\uD801"))
        .isNotEqualTo(Fingerprint.of("\uFFFD"));
    assertThat(Fingerprint.of("😀\uD800")).isNotEqualTo(Fingerprint.of("😁\uD800"));
  }

  @Test
  void noneMatchesEverythingAndEqualsOnlyItself() {
    Fingerprint some = Fingerprint.of("100");
    assertThat(Fingerprint.NONE.matches(some)).isTrue();
    assertThat(some.matches(Fingerprint.NONE)).isTrue();
    assertThat(some.matches(Fingerprint.of("200"))).isFalse();
    assertThat(some).isNotEqualTo(Fingerprint.NONE);
    assertThat(Fingerprint.NONE).hasToString("none");
  }

  @Test
  void itCannotBeChangedFromOutside() {
    Fingerprint fingerprint = Fingerprint.of("100");
    fingerprint.toBytes()[0]++;
    assertThat(fingerprint).isEqualTo(Fingerprint.of("100"));
    byte[] bytes = fingerprint.toBytes();
    Fingerprint read = Fingerprint.fromBytes(bytes);
    bytes[0]++;
    assertThat(read).isEqualTo(fingerprint).hasSameHashCodeAs(fingerprint);
  }

  @Test
  void anyOtherLengthIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Fingerprint.fromBytes(new byte[15]))
        .withMessage("A fingerprint has 0 or 16 bytes, found 15");
  }
}
