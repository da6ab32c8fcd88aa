package io.idem.spring;

import io.idem.core.ResultCodec;
import io.idem.core.ResultCodecFactory;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.util.ObjectUtils;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Stores results as JSON of their declared generic type, and what {@link
 * ResultCodecFactory#basic()} knows as that does.
 *
 * <p>No class name is ever stored or obeyed: of a hierarchy, the declared type says by its own
 * annotations ({@code @JsonTypeInfo} with names, sealed types) how its members are told apart. The
 * first result of each class that is not empty is read back when it is written, and has to give the
 * same JSON again, so that a type which cannot be read, or comes back with something missing, is
 * found before the first repeat asks for it. An object of which Jackson sees no member is refused,
 * never stored as an empty one.
 *
 * <p>The mapper is Idem's own, because settings of the web layer ({@code spring.jackson.*}) change
 * without regard to what is stored. It finds the Jackson modules on the class path. Thread-safe.
 */
public final class JacksonResultCodecFactory implements ResultCodecFactory {

  private static final Set<Type> BASIC =
      Set.of(
          String.class,
          byte[].class,
          Void.class,
          void.class,
          Boolean.class,
          boolean.class,
          Integer.class,
          int.class,
          Long.class,
          long.class,
          UUID.class);

  private final JsonMapper mapper;

  /** Creates a factory with a mapper of its own. */
  public JacksonResultCodecFactory() {
    this(
        JsonMapper.builder()
            .findAndAddModules()
            // A date comes back as it was, with its own zone.
            .disable(DateTimeFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
            .enable(DateTimeFeature.WRITE_DATES_WITH_ZONE_ID)
            .build());
  }

  /**
   * Creates a factory with a mapper.
   *
   * @param mapper the mapper, whose format has to stay readable for as long as results are kept;
   *     default typing is switched off in a copy of it
   */
  public JacksonResultCodecFactory(JsonMapper mapper) {
    this.mapper =
        mapper
            .rebuild()
            .deactivateDefaultTyping()
            .enable(SerializationFeature.FAIL_ON_EMPTY_BEANS)
            .build();
  }

  @Override
  public ResultCodec<?> codecFor(Type type) {
    if (BASIC.contains(type)) {
      return ResultCodecFactory.basic().codecFor(type);
    }
    JavaType javaType = mapper.constructType(type);
    if (javaType.isJavaLangObject()) {
      throw new IllegalArgumentException(
          "A result of type "
              + type.getTypeName()
              + " does not say how it is read back: declare the type itself");
    }
    return new Codec(javaType, mapper);
  }

  private static final class Codec implements ResultCodec<Object> {

    private final JavaType type;
    private final JsonMapper mapper;
    private final ObjectWriter writer;
    private final ObjectReader reader;
    private final ObjectReader trees;
    private final Set<Class<?>> readBack = ConcurrentHashMap.newKeySet();

    Codec(JavaType type, JsonMapper mapper) {
      this.type = type;
      this.mapper = mapper;
      this.writer = mapper.writerFor(type);
      this.reader = mapper.readerFor(type);
      this.trees = mapper.reader().with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS);
    }

    @Override
    public byte[] encode(Object value) {
      byte[] bytes = writer.writeValueAsBytes(value);
      if (!readBack.contains(value.getClass())) {
        checkReadBack(value, bytes);
        if (!ObjectUtils.isEmpty(value)) { // or nothing is known of what comes in it later
          readBack.add(value.getClass());
        }
      }
      return bytes;
    }

    private void checkReadBack(Object value, byte[] bytes) {
      if (!isSame(bytes, writer.writeValueAsBytes(decode(bytes))) || hidesSomething(type, value)) {
        throw new IllegalArgumentException(
            "A "
                + value.getClass().getName()
                + " is not the same after it was written as "
                + type.toCanonical()
                + " and read back: a repeat would be given less, or something else. Declare the type"
                + " that is returned, and let Jackson find a constructor or setter for each of its"
                + " members");
      }
    }

    /** Whether a value, or one that it contains, has more than its declared type shows. */
    private boolean hidesSomething(JavaType declared, @Nullable Object value) {
      JavaType content = declared.getContentType();
      if (value == null) {
        return false;
      } else if (content == null) {
        return isOfSubclass(declared, value)
            && !isSame(
                mapper.writerFor(declared).writeValueAsBytes(value),
                mapper.writeValueAsBytes(value));
      }
      Stream<?> contained =
          value instanceof Optional<?> optional
              ? optional.stream()
              : value instanceof Collection<?> collection
                  ? collection.stream()
                  : value instanceof Map<?, ?> map
                      ? map.values().stream()
                      : value instanceof Object[] array ? Arrays.stream(array) : Stream.empty();
      return contained.anyMatch(each -> hidesSomething(content, each));
    }

    /** Whether there may be members that the declared type does not show. */
    private static boolean isOfSubclass(JavaType declared, Object value) {
      return !declared.hasGenericTypes()
          && !declared.isJavaLangObject()
          && value.getClass() != declared.getRawClass();
    }

    private boolean isSame(byte[] one, byte[] other) {
      return Arrays.equals(one, other)
          || canonical(trees.readTree(one)).equals(canonical(trees.readTree(other)));
    }

    /** A tree as text without an order, because a set has none. */
    private static String canonical(JsonNode tree) {
      if (!tree.isContainer()) {
        return tree.toString();
      }
      Stream<String> parts =
          tree.isArray()
              ? tree.valueStream().map(Codec::canonical)
              : tree.propertyStream()
                  .map(
                      property ->
                          property.getKey().length()
                              + property.getKey()
                              + ":"
                              + canonical(property.getValue()));
      return parts
          .sorted()
          .collect(Collectors.joining(",", tree.isArray() ? "[" : "{", tree.isArray() ? "]" : "}"));
    }

    @Override
    public Object decode(byte[] bytes) {
      Object value = reader.readValue(bytes);
      if (value == null) {
        throw new IllegalArgumentException("A stored " + type.toCanonical() + " is not null");
      }
      return value;
    }
  }
}
