package io.idem.spring;

import java.sql.Timestamp;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.util.ObjectUtils;

/** Turns the value of an expression into the text of a key or a source. */
final class KeyText {

  private static final Set<String> JSON_NODES =
      Set.of("tools.jackson.databind.JsonNode", "com.fasterxml.jackson.databind.JsonNode");

  /** Neither begins as a part does, with a digit. */
  private static final String NO_PART = "-";

  private static final String NO_PARTS = "[]";

  private KeyText() {}

  /**
   * The text of a value; equal values have equal texts, and different ones of the same kind
   * different texts.
   *
   * @param what the attribute and method, for errors
   * @return the text, or null for null and for an empty {@code Optional} of any kind
   */
  static @Nullable String of(String what, @Nullable Object value) {
    return of(what, value, false);
  }

  /**
   * The text of a value that is only compared: parts of it may be null, and what has no parts is
   * told from what has some.
   *
   * @param what the attribute and method, for errors
   * @return the text, or null for null and for an empty {@code Optional} of any kind
   */
  static @Nullable String compared(String what, @Nullable Object value) {
    return of(what, value, true);
  }

  @SuppressWarnings("JavaUtilDate") // arguments have the types that they have
  private static @Nullable String of(String what, @Nullable Object value, boolean mayLackParts) {
    if (value == null) {
      return null;
    }
    if (value instanceof Optional<?> optional) {
      return of(what, optional.orElse(null), mayLackParts);
    }
    if (isEmptyOptional(value)) {
      return null;
    }
    if (value instanceof Iterable<?> && isJsonNode(value.getClass())) {
      String json = value.toString(); // it iterates over what it contains: a text over nothing
      return json.isEmpty() || json.equals("null") ? null : json;
    }
    if (value instanceof Timestamp timestamp) {
      return timestamp.toInstant().toString(); // with its nanoseconds
    }
    if (value instanceof Date date) {
      return Instant.ofEpochMilli(date.getTime())
          .toString(); // its own text depends on the zone of the machine
    }
    List<@Nullable Object> parts = parts(value);
    if (parts == null) {
      return single(what, value);
    }
    List<String> texts = new ArrayList<>(parts.size());
    for (Object part : parts) {
      String text = of(what, part, mayLackParts);
      if (text == null && !mayLackParts) {
        throw new MissingKeyException(
            what + " has a part that is null: a key with a missing part could be anybody's");
      }
      texts.add(text == null ? NO_PART : text.length() + ":" + text);
    }
    if (texts.isEmpty() && mayLackParts) {
      return NO_PARTS;
    }
    if (value instanceof Set<?> || value instanceof Map<?, ?>) {
      texts.sort(null); // its order differs from one JVM to the next, and from one call to another
    }
    return String.join("", texts);
  }

  /** Of either Jackson; by name, because neither need be there. */
  private static boolean isJsonNode(Class<?> type) {
    for (Class<?> at = type; at != null; at = at.getSuperclass()) {
      if (JSON_NODES.contains(at.getName())) {
        return true;
      }
    }
    return false;
  }

  private static boolean isEmptyOptional(Object value) {
    return (value instanceof OptionalLong number && number.isEmpty())
        || (value instanceof OptionalInt whole && whole.isEmpty())
        || (value instanceof OptionalDouble real && real.isEmpty());
  }

  private static @Nullable List<@Nullable Object> parts(Object value) {
    if (value instanceof Iterable<?> iterable && !(value instanceof java.nio.file.Path)) {
      List<@Nullable Object> parts = new ArrayList<>();
      iterable.forEach(parts::add);
      return parts;
    }
    if (value instanceof Map<?, ?> map) {
      List<@Nullable Object> entries = new ArrayList<>();
      map.forEach((key, mapped) -> entries.add(Arrays.asList(key, mapped)));
      return entries;
    }
    return value.getClass().isArray() ? Arrays.asList(ObjectUtils.toObjectArray(value)) : null;
  }

  private static String single(String what, Object value) {
    try {
      if (value.getClass().getMethod("toString").getDeclaringClass() == Object.class) {
        throw new IllegalArgumentException(
            what
                + " gives a "
                + value.getClass().getName()
                + ", whose toString() differs from object"
                + " to object: name the property of it that is the key");
      }
    } catch (NoSuchMethodException e) {
      throw new IllegalStateException("Every object has toString()", e);
    }
    return value.toString();
  }
}
