package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.ResultCodec;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
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
  void anObjectWithoutVisibleMembersIsNotStoredAsAnEmptyOne() {
    ResultCodec<Object> own = codec(codecs, Opaque.class);
    ResultCodec<Object> given =
        codec(new JacksonResultCodecFactory(JsonMapper.builder().build()), Opaque.class);

    assertThatThrownBy(() -> own.encode(new Opaque("pay-1"))).isInstanceOf(RuntimeException.class);
    assertThat(codec(codecs, Done.class).encode(new Done())).isNotEmpty();
    assertThatThrownBy(() -> given.encode(new Opaque("pay-1")))
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void aResultThatComesBackWithLessIsFoundByTheFirstOfItsClass() {
    ResultCodec<Object> codec = codec(codecs, Base.class);

    codec.encode(new Base());
    for (int i = 0; i < 2; i++) {
      assertThatThrownBy(() -> codec.encode(new Derived()))
          .hasMessageContaining("Derived is not the same")
          .hasMessageContaining("Declare the type");
    }
  }

  @Test
  void theOrderOfASetDoesNotCountWhenAResultIsReadBack() {
    ParameterizedTypeReference<Set<Receipt>> type = new ParameterizedTypeReference<>() {};
    Set<Receipt> set = new LinkedHashSet<>();
    for (int i = 40; i > 0; i--) {
      set.add(new Receipt("A-" + i, new BigDecimal("1.10"), null));
    }

    assertThat(roundTrip(type, set)).isEqualTo(set);
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

  static class Opaque {
    private final String id;

    Opaque() {
      this("unknown");
    }

    Opaque(String id) {
      this.id = id;
    }

    String id() {
      return id;
    }
  }

  record Done() {}

  static class Base {
    public int a = 1;
  }

  static class Derived extends Base {
    public int b = 2;
  }

  interface Shape {}

  record Square(int side) implements Shape {}
}
