package io.idem.core.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.FailureMapping;
import io.idem.core.ResultCodec;
import io.idem.core.store.Fingerprint;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Strings that are no valid UTF-16 come back as they were. */
class Utf8Test {

  private static final long SEED = Long.getLong("idem.seed", System.nanoTime());

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "plain",
        "é€\uD83D\uDE00",
        "\uD800",
        "\uDFFF",
        "a\uDC00\uD800b",
        "\uDE00\uD83D",
        "\uD83D\uD83D\uDE00",
        "\uFFFD\uD83Dx",
        "\uD7FF\uE000\uDBFF",
        "?"
      })
  void aStringComesBackAsItWas(String text) {
    ResultCodec<String> codec = ResultCodec.utf8();

    assertThat(codec.decode(codec.encode(text))).isEqualTo(text);
    assertThat(recreated(text)).isEqualTo(text);
  }

  @Test
  void whatIsValidIsPlainUtf8() {
    String text = "aé€\uD83D\uDE00";

    assertThat(Utf8.encode(text)).isEqualTo(text.getBytes(StandardCharsets.UTF_8));
    assertThat(Utf8.decode(new byte[] {'a', (byte) 0xFF, (byte) 0xED, 'b'}))
        .isEqualTo("a\uFFFD\uFFFDb");
    assertThat(Utf8.decode(new byte[] {(byte) 0xED, (byte) 0xA0})).doesNotContain("\uD800");
  }

  @Test
  void anyUnitsComeBackAsTheyWere() {
    Random random = new Random(SEED);
    char[] alphabet = "a\u00E9\uD7FF\uD800\uDBFF\uDC00\uDFFF\uE000\uFFFD".toCharArray();
    for (int i = 0; i < 20_000; i++) {
      StringBuilder text = new StringBuilder();
      int length = random.nextInt(8);
      for (int at = 0; at < length; at++) {
        text.append(alphabet[random.nextInt(alphabet.length)]);
      }
      assertThat(Utf8.decode(Utf8.encode(text.toString())))
          .as("seed %d", SEED)
          .isEqualTo(text.toString());
    }
  }

  /** As it was before: what a fingerprint is made of is a stored format. */
  @Test
  void aFingerprintCountsThemAsTheirThreeBytes() {
    assertThat(Fingerprint.of("\uD83D"))
        .isEqualTo(Fingerprint.of(List.of(new byte[] {(byte) 0xED, (byte) 0xA0, (byte) 0xBD})));
  }

  private static String recreated(String message) {
    FailureMapping<IllegalStateException> mapping =
        FailureMapping.ofMessage("f", IllegalStateException.class, IllegalStateException::new);
    return mapping
        .codec()
        .decode(mapping.codec().encode(new IllegalStateException(message)))
        .getMessage();
  }
}
