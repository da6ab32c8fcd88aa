package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class CodecsTest {

  /** The stored form of each basic type, which never changes. */
  static Stream<Arguments> storedForms() {
    UUID uuid = new UUID(1, 2);
    return Stream.of(
        Arguments.of(String.class, "é😀", "é😀"),
        Arguments.of(String.class, "", ""),
        Arguments.of(Boolean.class, true, "true"),
        Arguments.of(boolean.class, false, "false"),
        Arguments.of(Integer.class, Integer.MIN_VALUE, "-2147483648"),
        Arguments.of(int.class, 7, "7"),
        Arguments.of(Long.class, Long.MAX_VALUE, "9223372036854775807"),
        Arguments.of(long.class, 7L, "7"),
        Arguments.of(UUID.class, uuid, "00000000-0000-0001-0000-000000000002"));
  }

  @ParameterizedTest
  @MethodSource("storedForms")
  @SuppressWarnings("unchecked")
  void basicTypesAreStoredAsText(Type type, Object value, String stored) {
    ResultCodec<Object> codec = (ResultCodec<Object>) ResultCodecFactory.basic().codecFor(type);
    assertThat(codec.encode(value)).isEqualTo(stored.getBytes(StandardCharsets.UTF_8));
    assertThat(codec.decode(stored.getBytes(StandardCharsets.UTF_8))).isEqualTo(value);
    assertThat(codec.storesResult()).isTrue();
  }

  @Test
  void bytesAreCopiedBothWays() {
    byte[] value = {1, 2};
    byte[] stored = ResultCodec.bytes().encode(value);
    value[0] = 9;
    assertThat(stored).containsExactly(1, 2);
    ResultCodec.bytes().decode(stored)[0] = 9;
    assertThat(stored).containsExactly(1, 2);
  }

  @Test
  void nothingIsStoredForNoResult() {
    assertThat(ResultCodec.none().storesResult()).isFalse();
    assertThat(ResultCodec.none().encode(null)).isEmpty();
    assertThat(ResultCodec.none().decode(new byte[0])).isNull();
    assertThat(ResultCodecFactory.basic().codecFor(void.class)).isSameAs(ResultCodec.none());
  }

  @Test
  void anUnknownTypeIsRefusedWithTheWayOut() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Idempotency.inMemory().operation("list", List.class))
        .withMessageContaining("java.util.List")
        .withMessageContaining("give the operation a ResultCodec");
  }

  @Test
  void damagedBytesAreNoBoolean() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> ResultCodecFactory.basic().codecFor(Boolean.class).decode(new byte[] {'y'}));
  }

  @Test
  void aFailureIsKeptByItsMessage() {
    FailureMapping<IllegalStateException> mapping =
        FailureMapping.ofMessage(
            "declined", IllegalStateException.class, IllegalStateException::new);
    byte[] stored = mapping.codec().encode(new IllegalStateException("no cover: é"));
    assertThat(mapping.codec().decode(stored)).hasMessage("no cover: é");
    assertThat(mapping.codec().decode(mapping.codec().encode(new IllegalStateException())))
        .hasMessage("");
  }

  @Test
  void theNameOfAFailureIsBounded() {
    for (String name : List.of("", "x".repeat(201))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> FailureMapping.ofMessage(name, Exception.class, Exception::new));
    }
  }
}
