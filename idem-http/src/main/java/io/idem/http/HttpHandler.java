package io.idem.http;

import io.idem.core.Attempt;

/**
 * The rest of the application, behind the protocol.
 *
 * @param <X> what it throws
 */
@FunctionalInterface
public interface HttpHandler<X extends Throwable> {

  /**
   * Handles the request and captures the response. Nothing is sent to the client before the
   * protocol has returned.
   *
   * @param attempt this run
   * @return the response
   * @throws X a failure; the operation says what becomes of the key
   */
  HandlerResponse handle(Attempt attempt) throws X;
}
