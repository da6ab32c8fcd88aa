package io.idem.core;

import org.jspecify.annotations.Nullable;

/**
 * A {@link Body} that has no need of its {@link Attempt}.
 *
 * @param <T> the type of its result
 * @param <X> what it throws
 */
@FunctionalInterface
public interface Work<T extends @Nullable Object, X extends Throwable> {

  /**
   * Does the work.
   *
   * @return the result
   * @throws X a failure; the operation says what becomes of the key
   */
  T run() throws X;
}
