package io.idem.core;

/**
 * A {@link StepBody} without a result.
 *
 * @param <X> what it throws
 */
@FunctionalInterface
public interface StepAction<X extends Throwable> {

  /**
   * Does the work.
   *
   * @param outgoingKey what the other system is to tell repeats by: {@link Attempt#outgoingKey} of
   *     the step's name, the same on every run
   * @throws X a failure; the step says what becomes of its record
   */
  void run(String outgoingKey) throws X;
}
