package io.idem.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Where the key of a message is found, and that none is made up. */
class MessageKeyTest {

  private static final MessageKey<Note> HEADER = MessageKey.header(Note.READER, "n");

  @Test
  void readsBytesAsUtf8() {
    assertThat(HEADER.of(withHeader("ä-1".getBytes(StandardCharsets.UTF_8))))
        .isEqualTo(new KeyLookup.Found("ä-1"));
  }

  @Test
  void refusesBytesThatAreNoUtf8() {
    assertThat(HEADER.of(withHeader(new byte[] {(byte) 0xff, 65})))
        .isInstanceOf(KeyLookup.Unusable.class);
  }

  @Test
  void readsNumbersAndIdsAsTheirText() {
    UUID id = UUID.randomUUID();

    assertThat(HEADER.of(withHeader(17L))).isEqualTo(new KeyLookup.Found("17"));
    assertThat(HEADER.of(withHeader(id))).isEqualTo(new KeyLookup.Found(id.toString()));
    assertThat(HEADER.of(withHeader(Place.HERE))).isEqualTo(new KeyLookup.Found("HERE"));
  }

  @Test
  void refusesObjectsThatHaveNoText() {
    assertThat(HEADER.of(withHeader(Optional.of("1")))).isInstanceOf(KeyLookup.Unusable.class);
  }

  @Test
  void saysWhatIsMissing() {
    assertThat(HEADER.of(new Note(Map.of(), "x"))).isEqualTo(new KeyLookup.Absent("header 'n'"));
    assertThat(HEADER.of(withHeader(""))).isInstanceOf(KeyLookup.Absent.class);
    assertThat(HEADER.of(withHeader(" \t"))).isInstanceOf(KeyLookup.Absent.class);
  }

  @Test
  void looksInTheSecondPlaceOnlyIfTheFirstHasNothing() {
    MessageKey<Note> either = HEADER.or(MessageKey.messageId(Note.READER));

    assertThat(either.of(new Note(Map.of("n", "1", "id", "2"), "")))
        .isEqualTo(new KeyLookup.Found("1"));
    assertThat(either.of(new Note(Map.of("id", "2"), ""))).isEqualTo(new KeyLookup.Found("2"));
    assertThat(either.of(new Note(Map.of("n", new byte[] {-1}, "id", "2"), "")))
        .isInstanceOf(KeyLookup.Unusable.class);
    assertThat(either.of(new Note(Map.of(), "")))
        .isEqualTo(new KeyLookup.Absent("header 'n' or message id"));
  }

  @Test
  void computesAKeyFromThePayload() {
    MessageKey<Note> computed = MessageKey.computed(note -> (String) note.payload());

    assertThat(computed.of(new Note(Map.of(), "42"))).isEqualTo(new KeyLookup.Found("42"));
    assertThat(computed.of(new Note(Map.of(), null))).isInstanceOf(KeyLookup.Absent.class);
  }

  @Test
  void keepsKeysOutOfLogs() {
    assertThat(new KeyLookup.Found("secret").toString()).doesNotContain("secret");
  }

  @Test
  void givesTheSameIdToAResend() {
    assertThat(MessageIds.of("order-paid", "acme", "17"))
        .isEqualTo(MessageIds.of("order-paid", "acme", "17"))
        .matches("[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
        .isNotEqualTo(MessageIds.of("order-paid", "acme1", "7"))
        .isNotEqualTo(MessageIds.of("order-shipped", "acme", "17"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"kind", "key"})
  void refusesAnIdOfNothing(String empty) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> MessageIds.of(empty.equals("kind") ? "" : "k", empty.equals("key") ? "" : "1"));
    assertThatIllegalArgumentException().isThrownBy(() -> MessageIds.of("k"));
  }

  @Test
  void anIdSurvivesTheWayOfItsMessage() {
    String whole = "a\uD83D\uDE00";

    assertThat(MessageIds.requireSendable(whole)).isSameAs(whole);
    for (String half : new String[] {"a\uD83D", "\uDE00a", "\uDE00\uD83D"}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> MessageIds.requireSendable(half))
          .withMessageContaining("half a surrogate pair")
          .withMessageNotContainingAny(half);
    }
    assertThatIllegalArgumentException().isThrownBy(() -> MessageIds.requireSendable(""));
    assertThatNullPointerException().isThrownBy(() -> MessageIds.requireSendable(null));
  }

  private static Note withHeader(Object value) {
    return new Note(Map.of("n", value), "");
  }

  private enum Place {
    HERE
  }
}
