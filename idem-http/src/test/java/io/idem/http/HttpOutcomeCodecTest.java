package io.idem.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Disposition;
import io.idem.core.ResultCodec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class HttpOutcomeCodecTest {

  private static final ResultCodec<HttpOutcome> CODEC = HttpOutcome.codec();

  static List<HttpOutcome> outcomes() {
    return List.of(
        new HttpOutcome.Answered(
            new StoredResponse(
                201,
                List.of(
                    new HeaderField("Link", "<a>; rel=x"),
                    new HeaderField("Link", "<b>"),
                    new HeaderField("X-Ünïcode", "é😀")),
                new byte[] {0, -1, 13, 10}),
            Disposition.RECORD),
        new HttpOutcome.Answered(
            new StoredResponse(204, List.of(), new byte[0]), Disposition.RECORD),
        new HttpOutcome.ErrorPage(
            404, "gone é", List.of(new HeaderField("ETag", "\"1\"")), Disposition.RECORD),
        new HttpOutcome.ErrorPage(500, null, List.of(), Disposition.RECORD),
        new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, Disposition.RECORD),
        new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.RECORD));
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void p26_everyOutcomeIsReadBackAsItWas(HttpOutcome outcome) {
    assertThat(CODEC.decode(CODEC.encode(outcome))).isEqualTo(outcome);
  }

  @ParameterizedTest
  @MethodSource("outcomes")
  void damagedBytesAreRefusedAndNothingElse(HttpOutcome outcome) {
    byte[] whole = CODEC.encode(outcome);
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> CODEC.decode(cut)).isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> CODEC.decode(Arrays.copyOf(whole, whole.length + 1)))
        .isInstanceOf(IllegalArgumentException.class);
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int round = 0; round < 2_000; round++) {
      byte[] damaged = whole.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      try {
        assertThat(CODEC.decode(damaged)).as("seed %s", seed).isNotNull();
      } catch (IllegalArgumentException expected) {
        assertThat(expected.getMessage()).as("seed %s", seed).isNotEmpty();
      }
    }
  }

  @Test
  void aLaterFormatIsNamed() {
    byte[] later = CODEC.encode(outcomes().get(0));
    later[0] = 2;

    assertThatThrownBy(() -> CODEC.decode(later))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("format 2");
  }

  /** Format 1, as literals: stored answers look like this, so these lines never change. */
  static Stream<Arguments> format1() {
    return Stream.of(
        Arguments.of(
            "0101" + "00c9" + "00000001" + "0000000145" + "0000000122" + "000000026869",
            new HttpOutcome.Answered(
                new StoredResponse(201, List.of(new HeaderField("E", "\"")), new byte[] {'h', 'i'}),
                Disposition.RECORD)),
        Arguments.of(
            "0102" + "0194" + "00000001" + "0000000145" + "0000000122" + "00000002c3a9",
            new HttpOutcome.ErrorPage(
                404, "\u00e9", List.of(new HeaderField("E", "\"")), Disposition.RECORD)),
        Arguments.of(
            "0102" + "01f4" + "00000000" + "ffffffff",
            new HttpOutcome.ErrorPage(500, null, List.of(), Disposition.RECORD)),
        Arguments.of(
            "0103" + "01",
            new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, Disposition.RECORD)),
        Arguments.of(
            "0103" + "02",
            new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.RECORD)));
  }

  @ParameterizedTest
  @MethodSource("format1")
  void format1IsWrittenAndReadForEver(String hex, HttpOutcome outcome) {
    assertThat(HexFormat.of().formatHex(CODEC.encode(outcome))).isEqualTo(hex);
    assertThat(CODEC.decode(HexFormat.of().parseHex(hex))).isEqualTo(outcome);
  }
}
