package io.idem.core;

import io.idem.core.internal.Utf8;
import org.jspecify.annotations.Nullable;

/**
 * How results of one declared type are stored and read back.
 *
 * <p>A codec knows its type; nothing in the bytes names a class. Implementations are thread-safe,
 * read what their earlier versions wrote, and never see {@code null}: the engine stores that by
 * itself.
 *
 * @param <T> the type of the results
 */
public interface ResultCodec<T> {

  /**
   * Encodes a result.
   *
   * @param value the result
   * @return the bytes to store; the array is given away
   * @throws RuntimeException if it cannot be encoded
   */
  byte[] encode(T value);

  /**
   * Decodes a result.
   *
   * @param bytes what {@link #encode(Object)} gave; not to be changed
   * @return the result
   * @throws RuntimeException if the bytes are no result of this codec
   */
  T decode(byte[] bytes);

  /**
   * Whether results are stored at all.
   *
   * @return false only for {@link #none()}
   */
  default boolean storesResult() {
    return true;
  }

  /**
   * The codec of an operation that has no result: a repeat is given {@code null}.
   *
   * @return the codec
   */
  static ResultCodec<@Nullable Void> none() {
    return NoResultCodec.INSTANCE;
  }

  /**
   * Strings, as UTF-8. Half a surrogate pair is kept as the three bytes that its code point would
   * have: a string comes back as it was.
   *
   * @return the codec
   */
  static ResultCodec<String> utf8() {
    return of(Utf8::encode, Utf8::decode);
  }

  /**
   * Bytes, as they are.
   *
   * @return the codec
   */
  static ResultCodec<byte[]> bytes() {
    return of(byte[]::clone, byte[]::clone);
  }

  /**
   * A codec made of two functions.
   *
   * @param encode the encoder
   * @param decode the decoder
   * @param <T> the type of the results
   * @return the codec
   */
  static <T> ResultCodec<T> of(
      java.util.function.Function<T, byte[]> encode,
      java.util.function.Function<byte[], T> decode) {
    return new ResultCodec<>() {
      @Override
      public byte[] encode(T value) {
        return encode.apply(value);
      }

      @Override
      public T decode(byte[] bytes) {
        return decode.apply(bytes);
      }
    };
  }
}
