package io.idem.spring;

import io.idem.core.ResultCodec;
import io.idem.core.ResultCodecFactory;
import java.lang.reflect.Type;
import java.util.Set;
import java.util.UUID;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Stores results as JSON of their declared generic type, and what {@link
 * ResultCodecFactory#basic()} knows as that does.
 *
 * <p>No class name is ever stored or obeyed: of a hierarchy, the declared type says by its own
 * annotations ({@code @JsonTypeInfo} with names, sealed types) how its members are told apart. The
 * first result of each operation is read back when it is written, so that a type which cannot be
 * read is found before the first repeat asks for it.
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
    this.mapper = mapper.rebuild().deactivateDefaultTyping().build();
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
    return new Codec(javaType, mapper.writerFor(javaType), mapper.readerFor(javaType));
  }

  private static final class Codec implements ResultCodec<Object> {

    private final JavaType type;
    private final ObjectWriter writer;
    private final ObjectReader reader;
    private volatile boolean readBack;

    Codec(JavaType type, ObjectWriter writer, ObjectReader reader) {
      this.type = type;
      this.writer = writer;
      this.reader = reader;
    }

    @Override
    public byte[] encode(Object value) {
      byte[] bytes = writer.writeValueAsBytes(value);
      if (!readBack) {
        decode(bytes);
        readBack = true;
      }
      return bytes;
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
