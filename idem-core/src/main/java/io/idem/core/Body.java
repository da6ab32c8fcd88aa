package io.idem.core;

import org.jspecify.annotations.Nullable;

/**
 * The work of an operation: what must take effect once.
 *
 * @param <T> the type of its result
 * @param <X> what it throws
 */
@FunctionalInterface
public interface Body<T extends @Nullable Object, X extends Throwable> {

  /**
   * Does the work.
   *
   * @param attempt this run, for keys of outgoing calls and fencing
   * @return the result
   * @throws X a failure; the operation says what becomes of the key
   */
  T run(Attempt attempt) throws X;
}
