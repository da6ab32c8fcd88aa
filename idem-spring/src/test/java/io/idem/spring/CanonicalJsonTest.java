package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.annotation.JsonView;
import java.lang.reflect.Proxy;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Currency;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Different requests look different, equal ones equal, and what can be neither is refused. */
class CanonicalJsonTest {

  private final CanonicalJson json = new CanonicalJson();

  static Stream<Arguments> different() {
    return Stream.of(
        Arguments.of(new Fluent("bob", 1), new Fluent("eve", 1_000_000)),
        Arguments.of(new Inherited("bob", 1, "x"), new Inherited("eve", 1, "x")),
        Arguments.of(new Inherited("bob", 1, "x"), new Inherited("bob", 1, "y")),
        Arguments.of(new Annotated("1", "b", "c"), new Annotated("2", "b", "c")),
        Arguments.of(new Annotated("a", "1", "c"), new Annotated("a", "2", "c")),
        Arguments.of(new Annotated("a", "b", "1"), new Annotated("a", "b", "2")),
        Arguments.of(new Approve("1"), new Reject("1")),
        Arguments.of(List.of(new Approve("1")), List.of(new Reject("1"))),
        Arguments.of(new Ping(), new Pong()),
        Arguments.of(new Valued("a", 1), new Valued("a", 2)),
        Arguments.of(new Basket("bob", List.of("x")), new Basket("eve", List.of("x"))),
        Arguments.of(Level.LOW, Level.HIGH),
        Arguments.of("\uD800", "\uD801"),
        Arguments.of("\uDC00x", "?x"),
        Arguments.of(Map.of("\uD83D", 1), Map.of("\uD83E", 1)),
        Arguments.of(tree("{'a':1,'b':2}"), tree("{'a':2,'b':1}")),
        Arguments.of(tree("[1,2]"), tree("[2,1]")),
        Arguments.of(Map.of(Level.LOW, 1), Map.of(Level.HIGH, 1)),
        Arguments.of(Map.of(new Approve("1"), 1), Map.of(new Approve("2"), 1)),
        Arguments.of(new BigDecimal("1.0"), new BigDecimal("1.1")),
        Arguments.of(
            ZonedDateTime.parse("2026-01-01T00:00+01:00[Europe/Berlin]"),
            ZonedDateTime.parse("2026-01-01T00:00+01:00[Europe/Paris]")),
        Arguments.of(
            Set.of(new Fluent("a", 1)),
            new LinkedHashSet<>(List.of(new Fluent("a", 1), new Fluent("a", 1)))));
  }

  /** What stands for JSON where there is no Jackson. */
  @Test
  void plainTextsThatAreNoUnicodeDiffer() {
    assertThat(ArgumentDigest.plain("\uD800")).isNotEqualTo(ArgumentDigest.plain("\uD801"));
    assertThat(ArgumentDigest.plain("\uDC00")).isNotEqualTo(ArgumentDigest.plain("?"));
    assertThat(ArgumentDigest.plain("\uD83D\uDE00"))
        .isEqualTo("v\uD83D\uDE00".getBytes(StandardCharsets.UTF_8));
  }

  @ParameterizedTest
  @MethodSource
  void different(Object one, Object other) {
    assertThat(text(one)).isNotEqualTo(text(other));
  }

  static Stream<Arguments> equal() {
    return Stream.of(
        Arguments.of(new Fluent("bob", 1), new Fluent("bob", 1)),
        Arguments.of(new Ping(), new Ping()),
        Arguments.of(new Cached("a"), new Cached("a")),
        Arguments.of(
            new Holder(Optional.of(Level.LOW), List.of(1), UUID.fromString("0-0-0-0-1")),
            new Holder(Optional.of(Level.LOW), List.of(1), UUID.fromString("0-0-0-0-1"))),
        Arguments.of(
            new LinkedHashSet<>(List.of(new Approve("1"), new Approve("2"))),
            new LinkedHashSet<>(List.of(new Approve("2"), new Approve("1")))),
        Arguments.of(
            new LinkedHashMap<>(Map.of("a", 1, "b", 2)),
            new LinkedHashMap<>(Map.of("b", 2, "a", 1))),
        Arguments.of(tree("{'a':1,'b':[{'c':2,'d':3}]}"), tree("{'b':[{'d':3,'c':2}],'a':1}")),
        Arguments.of(new ConcurrentHashMap<>(Map.of("a", 1)), new LinkedHashMap<>(Map.of("a", 1))),
        Arguments.of(null, null));
  }

  private static JsonNode tree(String text) {
    return JsonMapper.shared().readTree(text.replace('\'', '"'));
  }

  @ParameterizedTest
  @MethodSource
  void equal(Object one, Object other) {
    assertThat(text(one)).isEqualTo(text(other));
  }

  static Stream<Object> known() {
    return Stream.of(
        "text",
        1,
        2L,
        1.5,
        true,
        'c',
        new byte[] {1},
        new String[] {"a"},
        new int[] {1},
        Instant.EPOCH,
        LocalDate.EPOCH,
        Duration.ofDays(1),
        TimeUnit.DAYS,
        Level.LOW,
        Optional.empty(),
        Currency.getInstance("EUR"),
        java.net.URI.create("a:b"),
        new AtomicInteger(1),
        List.of(List.of(1)),
        Arrays.asList(1, null));
  }

  @ParameterizedTest
  @MethodSource
  void known(Object value) {
    assertThat(text(value)).isNotEmpty();
  }

  static Stream<Object> refused() {
    Object[] cycle = new Object[1];
    cycle[0] = cycle;
    Set<Object> holdsItself = new LinkedHashSet<>();
    List<Object> within = new ArrayList<>();
    holdsItself.add(within);
    within.add(holdsItself);
    Object wide = "x".repeat(1000);
    for (int i = 0; i < 40; i++) {
      wide = List.of(wide, wide);
    }
    Runnable lambda = () -> {};
    Iterator<String> iterator = List.of("a").iterator();
    return Stream.of(
        new Object(),
        lambda,
        List.of(lambda),
        iterator,
        Stream.of(1),
        new java.util.Random(),
        new IllegalStateException("x"),
        Proxy.newProxyInstance(
            CanonicalJsonTest.class.getClassLoader(),
            new Class<?>[] {Runnable.class},
            (proxy, method, arguments) -> method.getName().equals("hashCode") ? 1 : null),
        cycle,
        holdsItself.toArray()[0],
        wide);
  }

  @ParameterizedTest(name = "{index}")
  @MethodSource
  void refused(Object value) {
    assertThatThrownBy(() -> json.write(value))
        .isInstanceOfAny(RuntimeException.class, StackOverflowError.class);
  }

  @Test
  void aRefusalSaysWhy() {
    assertThatThrownBy(() -> json.write(new Object[] {new Object()}))
        .hasMessageContaining("java.lang.Object has no fields");
  }

  private String text(Object value) {
    return new String(json.write(value), StandardCharsets.UTF_8);
  }

  static class Fluent {
    private final String to;
    private final int cents;

    Fluent(String to, int cents) {
      this.to = to;
      this.cents = cents;
    }

    String to() {
      return to;
    }

    int cents() {
      return cents;
    }
  }

  static class Inherited extends Fluent {
    private final String to;

    Inherited(String inner, int cents, String to) {
      super(inner, cents);
      this.to = to;
    }

    String outer() {
      return to;
    }
  }

  static class Annotated {
    @JsonProperty(access = JsonProperty.Access.WRITE_ONLY)
    public String secret;

    @JsonIgnore public String ignored;

    @JsonView(Runnable.class)
    public String viewed;

    Annotated(String secret, String ignored, String viewed) {
      this.secret = secret;
      this.ignored = ignored;
      this.viewed = viewed;
    }
  }

  record Approve(String id) {}

  record Reject(String id) {}

  record Ping() {}

  record Pong() {}

  record Valued(@JsonValue String shown, int hidden) {}

  record Holder(Optional<Level> level, List<Integer> numbers, UUID id) {}

  record Basket(String owner, List<String> items) implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return items.iterator();
    }
  }

  static class Cached {
    public final String value;
    public final transient long at = System.nanoTime();

    Cached(String value) {
      this.value = value;
    }
  }

  enum Level {
    LOW,
    HIGH {
      @Override
      boolean isHigh() {
        return true;
      }
    };

    boolean isHigh() {
      return false;
    }

    @Override
    public String toString() {
      return "level";
    }
  }
}
