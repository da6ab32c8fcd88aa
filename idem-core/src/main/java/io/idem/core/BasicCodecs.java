package io.idem.core;

import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;

/** The codecs that need no library. */
enum BasicCodecs implements ResultCodecFactory {
  INSTANCE;

  private static final Map<Type, ResultCodec<?>> CODECS =
      Map.ofEntries(
          Map.entry(String.class, ResultCodec.utf8()),
          Map.entry(byte[].class, ResultCodec.bytes()),
          Map.entry(Void.class, ResultCodec.none()),
          Map.entry(void.class, ResultCodec.none()),
          Map.entry(Boolean.class, text(BasicCodecs::parseBoolean)),
          Map.entry(boolean.class, text(BasicCodecs::parseBoolean)),
          Map.entry(Integer.class, text(Integer::valueOf)),
          Map.entry(int.class, text(Integer::valueOf)),
          Map.entry(Long.class, text(Long::valueOf)),
          Map.entry(long.class, text(Long::valueOf)),
          Map.entry(UUID.class, text(UUID::fromString)));

  @Override
  public ResultCodec<?> codecFor(Type type) {
    ResultCodec<?> codec = CODECS.get(type);
    if (codec == null) {
      throw new IllegalArgumentException(
          "No codec for results of type "
              + type.getTypeName()
              + ": give the operation a ResultCodec, or the engine a ResultCodecFactory"
              + " that knows the type (the Spring module brings one for JSON)");
    }
    return codec;
  }

  private static Boolean parseBoolean(String text) {
    return switch (text) {
      case "true" -> Boolean.TRUE;
      case "false" -> Boolean.FALSE;
      default -> throw new IllegalArgumentException("Not a stored boolean");
    };
  }

  private static <T> ResultCodec<T> text(Function<String, T> parse) {
    return ResultCodec.of(
        value -> value.toString().getBytes(StandardCharsets.US_ASCII),
        bytes -> parse.apply(new String(bytes, StandardCharsets.US_ASCII)));
  }
}
