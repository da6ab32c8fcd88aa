package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.idem.core.ResultCodec;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
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
    assertThat(roundTrip(String.class, "\uDE00\uD83D")).isEqualTo("\uDE00\uD83D");
    List<String> halves = List.of("\uDE00", "x\uD83D", "\uD83D?");
    assertThat(roundTrip(new ParameterizedTypeReference<List<String>>() {}, halves))
        .isEqualTo(halves);
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
  void anEmptyResultSaysNothingOfThoseThatFollow() {
    ParameterizedTypeReference<List<Sealed>> list = new ParameterizedTypeReference<>() {};
    ParameterizedTypeReference<Optional<Sealed>> optional = new ParameterizedTypeReference<>() {};
    ParameterizedTypeReference<Map<String, Sealed>> map = new ParameterizedTypeReference<>() {};
    Sealed cannotBeRead = new Sealed(1, 2);

    assertFoundBehind(list, new ArrayList<>(), new ArrayList<>(List.of(cannotBeRead)));
    assertFoundBehind(optional, Optional.empty(), Optional.of(cannotBeRead));
    assertFoundBehind(map, new HashMap<>(), new HashMap<>(Map.of("a", cannotBeRead)));
  }

  private void assertFoundBehind(
      ParameterizedTypeReference<?> type, Object empty, Object cannotBeRead) {
    ResultCodec<Object> codec = codec(codecs, type.getType());
    codec.encode(empty);
    assertThatThrownBy(() -> codec.encode(cannotBeRead))
        .as(type.toString())
        .isInstanceOf(RuntimeException.class);
  }

  @Test
  void whatIsContainedIsNotGivenBackWithLess() {
    for (ParameterizedTypeReference<?> type :
        List.<ParameterizedTypeReference<?>>of(
            new ParameterizedTypeReference<List<Base>>() {},
            new ParameterizedTypeReference<Set<Base>>() {},
            new ParameterizedTypeReference<Optional<Base>>() {},
            new ParameterizedTypeReference<Map<String, List<Base>>>() {})) {
      assertThatThrownBy(
              () -> codec(codecs, type.getType()).encode(containing(type, new Derived())))
          .as(type.toString())
          .hasMessageContaining("is not the same")
          .hasMessageContaining("Declare the type");
      codec(codecs, type.getType()).encode(containing(type, new Base()));
    }
    ResultCodec<Object> array = codec(codecs, Base[].class);
    assertThatThrownBy(() -> array.encode(new Base[] {new Base(), new Derived()}))
        .hasMessageContaining("is not the same");
    array.encode(new Base[] {new Base(), null});
    codec(codecs, new ParameterizedTypeReference<List<Named>>() {}.getType())
        .encode(List.of(new Plain("a"), new Rich("b", 2)));
  }

  private static Object containing(ParameterizedTypeReference<?> type, Base base) {
    String name = type.getType().getTypeName();
    return name.startsWith("java.util.List")
        ? List.of(base)
        : name.startsWith("java.util.Set")
            ? Set.of(base)
            : name.startsWith("java.util.Optional")
                ? Optional.of(base)
                : Map.of("a", List.of(base));
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

  static class Sealed {
    public final int a;

    Sealed(int a, int unseen) {
      this.a = a + unseen;
    }
  }

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, include = JsonTypeInfo.As.WRAPPER_OBJECT)
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Plain.class, name = "plain"),
    @JsonSubTypes.Type(value = Rich.class, name = "rich")
  })
  interface Named {}

  record Plain(String name) implements Named {}

  record Rich(String name, int amount) implements Named {}
}
