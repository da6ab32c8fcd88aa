package io.idem.core;

import java.time.Duration;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The engine's answer to one request.
 *
 * <p>All of these are expected answers. What the body throws is thrown to the caller of its own
 * run, and thrown again to repeats where the operation records that failure. A run that one of its
 * {@linkplain Attempt#step steps} has stopped is answered {@link Busy}, {@link KeyReused} or {@link
 * Unresolved} too: then what it did before is recorded, and the next request goes on.
 *
 * @param <T> the type of the operation's result
 */
public sealed interface Execution<T extends @Nullable Object> {

  /**
   * The body ran, for this caller, now.
   *
   * @param result what it returned
   * @param recording what became of the record
   * @param <T> the type of the result
   */
  record Ran<T extends @Nullable Object>(T result, Recording recording) implements Execution<T> {}

  /**
   * An earlier run under this key succeeded; nothing ran now.
   *
   * @param result what the earlier run returned
   * @param <T> the type of the result
   */
  record Replayed<T extends @Nullable Object>(T result) implements Execution<T> {}

  /**
   * Another request under this key is running and did not end within the wait bound, or too many
   * callers wait already.
   *
   * @param retryAfter when to ask again
   * @param <T> the type of the result
   */
  record Busy<T extends @Nullable Object>(Duration retryAfter) implements Execution<T> {}

  /**
   * The key belongs to a different request; nothing changed.
   *
   * @param <T> the type of the result
   */
  record KeyReused<T extends @Nullable Object>() implements Execution<T> {}

  /**
   * A run under this key ended without an outcome that anybody knows; nothing ran now.
   *
   * @param attempt the number of that run
   * @param <T> the type of the result
   */
  record Unresolved<T extends @Nullable Object>(int attempt) implements Execution<T> {}

  /**
   * An earlier run under this key succeeded, but its result could not be kept; nothing ran now.
   *
   * @param reason why
   * @param <T> the type of the result
   */
  record ResultNotStored<T extends @Nullable Object>(String reason) implements Execution<T> {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param ran for {@link Ran}
   * @param replayed for {@link Replayed}
   * @param busy for {@link Busy}
   * @param keyReused for {@link KeyReused}
   * @param unresolved for {@link Unresolved}
   * @param resultNotStored for {@link ResultNotStored}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Ran<T>, R> ran,
      Function<Replayed<T>, R> replayed,
      Function<Busy<T>, R> busy,
      Function<KeyReused<T>, R> keyReused,
      Function<Unresolved<T>, R> unresolved,
      Function<ResultNotStored<T>, R> resultNotStored) {
    if (this instanceof Ran<T> answer) {
      return ran.apply(answer);
    } else if (this instanceof Replayed<T> answer) {
      return replayed.apply(answer);
    } else if (this instanceof Busy<T> answer) {
      return busy.apply(answer);
    } else if (this instanceof KeyReused<T> answer) {
      return keyReused.apply(answer);
    } else if (this instanceof Unresolved<T> answer) {
      return unresolved.apply(answer);
    } else {
      return resultNotStored.apply((ResultNotStored<T>) this);
    }
  }

  /**
   * The result, whether of this run or of an earlier one.
   *
   * @return the result
   * @throws KeyBusyException for {@link Busy}
   * @throws KeyReusedException for {@link KeyReused}
   * @throws OutcomeUnknownException for {@link Unresolved}
   * @throws ResultNotStoredException for {@link ResultNotStored}
   */
  default T orElseThrow() {
    return fold(
        Ran::result,
        Replayed::result,
        answer -> {
          throw new KeyBusyException(answer.retryAfter());
        },
        answer -> {
          throw new KeyReusedException();
        },
        answer -> {
          throw new OutcomeUnknownException(answer.attempt());
        },
        answer -> {
          throw new ResultNotStoredException(answer.reason());
        });
  }
}
