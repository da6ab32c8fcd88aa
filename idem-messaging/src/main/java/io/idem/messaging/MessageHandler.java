package io.idem.messaging;

import io.idem.core.Attempt;

/**
 * Consumes one message.
 *
 * @param <M> the broker's type of a delivered message
 * @param <X> what it throws
 */
@FunctionalInterface
public interface MessageHandler<M, X extends Exception> {

  /**
   * Consumes a message that was not consumed before.
   *
   * @param message the message
   * @param attempt this run: the transaction's connection ({@link Attempt#unwrap}) and the ids of
   *     outgoing messages and calls ({@link Attempt#outgoingKey})
   * @throws X a failure; in transactional mode everything is rolled back
   */
  void handle(M message, Attempt attempt) throws X;
}
