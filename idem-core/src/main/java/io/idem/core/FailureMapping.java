package io.idem.core;

import io.idem.core.internal.Utf8;
import java.util.function.Function;

/**
 * How one kind of failure is stored and thrown again: for rejections that every repeat must meet
 * alike.
 *
 * @param name a stable name for the stored record, at most 200 characters; not a class name, which
 *     could change
 * @param type the exceptions it stands for, subclasses included
 * @param codec how the exception is stored and recreated
 * @param <E> the type of the exception
 */
public record FailureMapping<E extends Exception>(
    String name, Class<E> type, ResultCodec<E> codec) {

  /**
   * Checks the name.
   *
   * @param name a stable name for the stored record
   * @param type the exceptions it stands for
   * @param codec how the exception is stored and recreated
   * @throws IllegalArgumentException if the name is empty or too long
   */
  public FailureMapping {
    if (name.isEmpty() || name.length() > 200) {
      throw new IllegalArgumentException(
          "The name of a recorded failure has 1 to 200 characters, found " + name.length());
    }
  }

  /**
   * A mapping that keeps the exception's message and nothing else.
   *
   * @param name a stable name for the stored record
   * @param type the exceptions it stands for
   * @param recreate makes the exception from its message, which is empty where there was none
   * @param <E> the type of the exception
   * @return the mapping
   */
  public static <E extends Exception> FailureMapping<E> ofMessage(
      String name, Class<E> type, Function<String, E> recreate) {
    return new FailureMapping<>(
        name,
        type,
        ResultCodec.of(
            failure -> {
              String message = failure.getMessage();
              return Utf8.encode(message == null ? "" : message);
            },
            bytes -> recreate.apply(Utf8.decode(bytes))));
  }
}
