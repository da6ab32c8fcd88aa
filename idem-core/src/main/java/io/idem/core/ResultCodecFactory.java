package io.idem.core;

import java.lang.reflect.Type;

/** Finds a codec for a declared type, for operations that name a type and no codec. Thread-safe. */
@FunctionalInterface
public interface ResultCodecFactory {

  /**
   * The codec of a type.
   *
   * @param type the declared type, with its type arguments
   * @return a codec for exactly that type
   * @throws IllegalArgumentException if there is none; the message names the fix
   */
  ResultCodec<?> codecFor(Type type);

  /**
   * Codecs for {@code String}, {@code byte[]}, {@code Void}, {@code Boolean}, {@code Integer},
   * {@code Long} and {@code UUID}, and for nothing else.
   *
   * @return the factory
   */
  static ResultCodecFactory basic() {
    return BasicCodecs.INSTANCE;
  }
}
