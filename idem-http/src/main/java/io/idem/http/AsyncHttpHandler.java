package io.idem.http;

import io.idem.core.Attempt;
import java.util.concurrent.CompletionStage;

/** The rest of an application that has no thread to wait on, behind the protocol. */
@FunctionalInterface
public interface AsyncHttpHandler {

  /**
   * Starts to handle the request, and does not wait for it. Nothing is sent to the client before
   * the protocol has ended. It may be called on a thread of the store's client, which must not be
   * held up.
   *
   * @param attempt this run
   * @return ends with the captured response, or exceptionally with a failure; the operation says
   *     what becomes of the key
   * @throws Exception a failure, as if the stage had ended with it
   */
  CompletionStage<HandlerResponse> handle(Attempt attempt) throws Exception;
}
