package io.idem.core;

import org.jspecify.annotations.Nullable;

/**
 * The engine's answer to one request of a batch.
 *
 * @param <T> the type of the operation's result
 */
public sealed interface ItemAnswer<T extends @Nullable Object> {

  /**
   * An answer such as a single request gets.
   *
   * @param execution the answer
   * @param <T> the type of the operation's result
   */
  record Answered<T extends @Nullable Object>(Execution<T> execution) implements ItemAnswer<T> {}

  /**
   * An earlier run under this key failed in a way that its operation records, or its stored outcome
   * cannot be read: a single request would be thrown this, and nothing ran now. Or the body failed
   * now, and could say which requests were done before: this is one of the others ({@link
   * BatchBody#progress}).
   *
   * @param failure what a single request would be thrown, or what the body said
   * @param <T> the type of the operation's result
   */
  record Failed<T extends @Nullable Object>(Exception failure) implements ItemAnswer<T> {}

  /**
   * The answer, or the failure as an exception.
   *
   * @return the answer
   * @throws Exception the failure
   */
  default Execution<T> orElseThrow() throws Exception {
    if (this instanceof Answered<T> answered) {
      return answered.execution();
    }
    throw ((Failed<T>) this).failure();
  }
}
