package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.ResultCodec;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.springframework.core.ParameterizedTypeReference;
import tools.jackson.databind.DefaultTyping;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.BasicPolymorphicTypeValidator;

class JacksonResultCodecFactoryTest {

  private final JacksonResultCodecFactory codecs = new JacksonResultCodecFactory();

  @Test
  void whatIsWrittenIsReadBackAsItsDeclaredType() {
    Receipt receipt =
        new Receipt(
            "A-1",
            new BigDecimal("10.00"),
            ZonedDateTime.of(2026, 3, 29, 3, 0, 0, 1, ZoneId.of("Europe/Berlin")));

    assertThat(roundTrip(Receipt.class, receipt)).isEqualTo(receipt);
    assertThat(roundTrip(new ParameterizedTypeReference<List<Receipt>>() {}, List.of(receipt)))
        .isEqualTo(List.of(receipt));
    assertThat(roundTrip(new ParameterizedTypeReference<Optional<String>>() {}, Optional.empty()))
        .isEqualTo(Optional.empty());
    assertThat(roundTrip(String.class, "\"")).isEqualTo("\"");
  }

  @Test
  void badStoredDataIsAnErrorAndNeverNull() {
    ResultCodec<Object> codec = codec(codecs, Receipt.class);

    for (String stored : List.of("null", "", "{", "[]", "\"x\"", "{} {}")) {
      assertThatThrownBy(() -> codec.decode(stored.getBytes(StandardCharsets.UTF_8)))
          .as(stored)
          .isInstanceOf(RuntimeException.class);
    }
  }

  @Test
  void noClassNameIsStoredOrObeyed() {
    JsonMapper permissive =
        JsonMapper.builder()
            .activateDefaultTyping(
                BasicPolymorphicTypeValidator.builder().allowIfBaseType(Object.class).build(),
                DefaultTyping.NON_FINAL_AND_RECORDS)
            .build();
    ResultCodec<Object> codec = codec(new JacksonResultCodecFactory(permissive), Receipt.class);

    String stored =
        new String(codec.encode(new Receipt("A", BigDecimal.ONE, null)), StandardCharsets.UTF_8);

    assertThat(stored).contains("\"number\":\"A\"").doesNotContain("Receipt");
  }

  @Test
  void aTypeThatCannotBeReadBackIsFoundByItsFirstResult() {
    ResultCodec<Object> codec = codec(codecs, Shape.class);

    assertThatThrownBy(() -> codec.encode(new Square(1))).isInstanceOf(RuntimeException.class);
  }

  @Test
  void objectIsNoType() {
    assertThatThrownBy(() -> codecs.codecFor(Object.class))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("declare the type");
  }

  private Object roundTrip(ParameterizedTypeReference<?> type, Object value) {
    return roundTrip(type.getType(), value);
  }

  private Object roundTrip(Type type, Object value) {
    ResultCodec<Object> codec = codec(codecs, type);
    return codec.decode(codec.encode(value));
  }

  @SuppressWarnings("unchecked")
  private static ResultCodec<Object> codec(JacksonResultCodecFactory codecs, Type type) {
    return (ResultCodec<Object>) codecs.codecFor(type);
  }

  record Receipt(String number, BigDecimal amount, ZonedDateTime at) {}

  interface Shape {}

  record Square(int side) implements Shape {}
}
