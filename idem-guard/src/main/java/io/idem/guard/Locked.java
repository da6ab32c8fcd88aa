package io.idem.guard;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What became of work that was to run under a lock. All of these are expected answers.
 *
 * @param <T> what the work returns
 */
public sealed interface Locked<T extends @Nullable Object> {

  /**
   * It ran under the lock.
   *
   * @param result what it returned
   * @param <T> what the work returns
   */
  record Ran<T extends @Nullable Object>(T result) implements Locked<T> {}

  /**
   * Somebody else holds the lock and did not release it within the wait bound. The work did not
   * run, and the transaction can be used on.
   *
   * @param <T> what the work returns
   */
  record Busy<T extends @Nullable Object>() implements Locked<T> {}

  /**
   * There is nothing to lock. The work did not run.
   *
   * @param <T> what the work returns
   */
  record NotFound<T extends @Nullable Object>() implements Locked<T> {}

  /**
   * Turns each kind of answer into one thing.
   *
   * @param ran for {@link Ran}
   * @param busy for {@link Busy}
   * @param notFound for {@link NotFound}
   * @param <R> what they become
   * @return what the function of this answer's kind returned
   */
  default <R extends @Nullable Object> R fold(
      Function<Ran<T>, R> ran, Function<Busy<T>, R> busy, Function<NotFound<T>, R> notFound) {
    if (this instanceof Ran<T> answer) {
      return ran.apply(answer);
    } else if (this instanceof Busy<T> answer) {
      return busy.apply(answer);
    } else {
      return notFound.apply((NotFound<T>) this);
    }
  }

  /**
   * Whether the work ran.
   *
   * @return true for {@link Ran}
   */
  default boolean hasRun() {
    return this instanceof Ran;
  }
}
