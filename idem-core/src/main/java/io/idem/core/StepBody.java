package io.idem.core;

import org.jspecify.annotations.Nullable;

/**
 * The work of a {@link Step}: one call of another system.
 *
 * @param <T> the type of its result
 * @param <X> what it throws
 */
@FunctionalInterface
public interface StepBody<T extends @Nullable Object, X extends Throwable> {

  /**
   * Does the work.
   *
   * @param outgoingKey what the other system is to tell repeats by: {@link Attempt#outgoingKey} of
   *     the step's name, the same on every run
   * @return the result, which is recorded
   * @throws X a failure; the step says what becomes of its record
   */
  T run(String outgoingKey) throws X;
}
