package io.idem.messaging;

import io.idem.core.Attempt;
import java.util.List;

/**
 * Consumes many messages at once.
 *
 * @param <M> the broker's type of a delivered message
 * @param <X> what it throws
 */
@FunctionalInterface
public interface BatchHandler<M, X extends Exception> {

  /**
   * Consumes messages that were not consumed before.
   *
   * @param fresh the messages, in the order of their delivery, without repeats; at least one
   * @throws X a failure of all of them. A {@link MessageFailedException} tells which one has
   *     failed, and in leased mode that those before it are done
   */
  void handle(List<Fresh<M>> fresh) throws X;

  /**
   * A message that was not consumed before.
   *
   * @param index its place in the list of deliveries, starting at 0
   * @param message the message
   * @param attempt its run
   * @param <M> the broker's type of a delivered message
   */
  record Fresh<M>(int index, M message, Attempt attempt) {}
}
