package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class KeySyntaxTest {

  private static final KeySyntax STRICT = new KeySyntax("Idempotency-Key", 255, true);

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "abc | abc",
        "~  abc\t~ | abc",
        "\"abc\" | abc",
        "~ \"abc\" ~ | abc",
        "\"a b\" | ~a b~",
        "\"a,b;c\" | a,b;c",
        "\"a\\\"b\\\\c\" | a\"b\\c",
        "a\\b | a\\b",
        "\"abc\";v=1 | abc",
        "\"abc\"; v=1;w;x=\"y;z,\" | abc",
        "\"abc\";at=@1659578233;d=%\"f%c3%bc\";b=:YWJj:;t=tok/en;n=-1.5;q=?1 | abc",
        "8e03978e-40d5-43dd-bc93-6894a57f9324 | 8e03978e-40d5-43dd-bc93-6894a57f9324",
        ":YWJj: | :YWJj:",
      })
  void p01_theKeyIsReadFromEverySpelling(String header, String key) {
    assertThat(parse(header)).isEqualTo(new KeySyntax.Key(key));
  }

  @Test
  void p01_bothSpellingsAreTheSameKey() {
    assertThat(parse("abc-1")).isEqualTo(parse("\"abc-1\""));
    assertThat(parse("a\\b")).isEqualTo(parse("\"a\\\\b\""));
  }

  @Test
  void p01_aStrictEndpointTakesQuotedKeysOnly() {
    assertThat(STRICT.parse(List.of("\"abc\""))).isEqualTo(new KeySyntax.Key("abc"));
    assertThat(STRICT.parse(List.of("abc"))).isInstanceOf(KeySyntax.Malformed.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "\t",
        "\"\"",
        "\"\";v=1",
        "secret,other",
        "secret, other",
        "\"secret\", \"other\"",
        "\"secret\",",
        "\"secret",
        "secret\"",
        "\"secret\\\"",
        "\"secret\\n\"",
        "\"secret\"other",
        "\"secret\" ;v=1",
        "\"secret\";",
        "\"secret\";=1",
        "\"secret\";v=",
        "\"secret\";V=1",
        "\"secret\";v=\"",
        "secret;v=1",
        "secret key",
        "secret\u0000",
        "sec\tret",
        "sec\rret",
        "\"sec\u007fret\"",
        "sécret",
        "\"sécret\"",
        "secret\ud83d",
      })
  void p02_whatIsNoKeyIsMalformed(String header) {
    assertThat(parse(header))
        .isInstanceOfSatisfying(
            KeySyntax.Malformed.class,
            malformed ->
                assertThat(malformed.detail())
                    .startsWith("The Idempotency-Key header ")
                    .doesNotContain("secret", "other"));
  }

  @Test
  void p02_severalLinesAreMalformedEvenIfTheyAgree() {
    assertThat(KeySyntax.DEFAULT.parse(List.of("abc", "abc")))
        .isInstanceOf(KeySyntax.Malformed.class);
  }

  @Test
  void p05_anAbsentHeaderIsMissingAndNotMalformed() {
    assertThat(KeySyntax.DEFAULT.parse(List.of())).isEqualTo(new KeySyntax.Missing());
  }

  @Test
  void p02_theLengthCountsAfterUnescaping() {
    String longest = "\\\"".repeat(255);

    assertThat(parse("\"" + longest + "\"")).isEqualTo(new KeySyntax.Key("\"".repeat(255)));
    assertThat(parse("\"" + longest + "x\"")).isInstanceOf(KeySyntax.Malformed.class);
    assertThat(parse("k".repeat(255))).isInstanceOf(KeySyntax.Key.class);
    assertThat(parse("k".repeat(256))).isInstanceOf(KeySyntax.Malformed.class);
    assertThat(new KeySyntax("Idempotency-Key", 3, false).parse(List.of("1234")))
        .isInstanceOf(KeySyntax.Malformed.class);
  }

  @Test
  void p02_aHugeHeaderCostsNoCallStack() {
    assertThat(parse("\"k\"" + ";a=\"\\\\\"".repeat(100_000))).isEqualTo(new KeySyntax.Key("k"));
  }

  @Test
  void p03_keysAreCaseSensitive() {
    assertThat(parse("abc")).isNotEqualTo(parse("ABC"));
  }

  @Test
  void settingsThatCannotWorkAreRefused() {
    assertThatThrownBy(() -> KeySyntax.DEFAULT.in("not a name"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new KeySyntax("Key", 1025, false))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new KeySyntax("Key", 0, false))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static KeySyntax.Result parse(String header) {
    return KeySyntax.DEFAULT.parse(List.of(header));
  }
}
