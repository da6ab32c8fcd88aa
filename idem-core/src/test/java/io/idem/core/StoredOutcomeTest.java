package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.idem.core.store.OwnerToken;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class StoredOutcomeTest {

  /** Format 1, as literals: records in databases look like this, so these lines never change. */
  static Stream<Arguments> format1() {
    return Stream.of(
        Arguments.of("01000000", StoredOutcome.done()),
        Arguments.of("010100006f6b", StoredOutcome.result(utf8("ok"))),
        Arguments.of("01020000", StoredOutcome.nullResult()),
        Arguments.of("010300046661696c626164", StoredOutcome.failure("fail", utf8("bad"))),
        Arguments.of("01040004c3a9c3a9", StoredOutcome.notStored("éé")));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @MethodSource("format1")
  void format1IsWrittenAndReadForEver(String hex, StoredOutcome outcome) {
    assertThat(HexFormat.of().formatHex(outcome.toBytes())).isEqualTo(hex);
    StoredOutcome read = StoredOutcome.fromBytes(HexFormat.of().parseHex(hex));
    assertThat(read).isEqualTo(outcome).hasSameHashCodeAs(outcome);
    assertThat(read.detail()).isEqualTo(outcome.detail());
    assertThat(read.payload()).isEqualTo(outcome.payload());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "01", "010000", "01050000", "01ff0000", "01030001", "0103ffff00"})
  void damagedBytesAreRefused(String hex) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoredOutcome.fromBytes(HexFormat.of().parseHex(hex)));
  }

  @Test
  void aLaterFormatIsRefusedWithAdvice() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoredOutcome.fromBytes(new byte[] {2, 0, 0, 0}))
        .withMessageContaining("format 2")
        .withMessageContaining("Upgrade every node");
  }

  @Test
  void aDetailIsBounded() {
    String longest = "x".repeat(0xFFFF);
    StoredOutcome outcome = StoredOutcome.notStored(longest);
    assertThat(StoredOutcome.fromBytes(outcome.toBytes()).detail()).isEqualTo(longest);
    assertThatIllegalArgumentException().isThrownBy(() -> StoredOutcome.notStored(longest + "x"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StoredOutcome.failure("é".repeat(0x8000), new byte[0]));
  }

  @Test
  void itsTextShowsNoPayload() {
    assertThat(StoredOutcome.result(utf8("secret"))).hasToString("StoredOutcome[RESULT, 6 bytes]");
  }

  @Test
  void idsAndTokensSurviveTheirBytes() {
    RecordId id = new RecordId(0x0123456789abcdefL, -2);
    assertThat(RecordId.fromBytes(id.toBytes())).isEqualTo(id);
    assertThat(id).hasToString("0123456789abcdeffffffffffffffffe");
    OwnerToken token = new OwnerToken(Long.MIN_VALUE, 7);
    assertThat(OwnerToken.fromBytes(token.toBytes())).isEqualTo(token);
    assertThatIllegalArgumentException().isThrownBy(() -> RecordId.fromBytes(new byte[15]));
    assertThatIllegalArgumentException().isThrownBy(() -> OwnerToken.fromBytes(new byte[17]));
  }
}
