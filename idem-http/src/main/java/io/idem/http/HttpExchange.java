package io.idem.http;

import java.io.IOException;

/**
 * A request as an adapter sees it. Its body and its caller are asked for at most once and only when
 * needed, on the caller's thread: a body is not read for a request that is refused before.
 */
public interface HttpExchange extends HttpRequestHead {

  /**
   * Reads the body, in such a way that the handler still can.
   *
   * @param maxBytes the most bytes to read
   * @return the body, {@link RequestBody.TooLarge}, or {@link RequestBody.Malformed} if all of it
   *     came and cannot be taken apart
   * @throws IOException if it cannot be read, for example because the client hung up
   */
  RequestBody body(int maxBytes) throws IOException;

  /**
   * Asks whether the caller may send this request at all. Called once the request is complete and
   * its key well-formed, before the store is asked, for a first request and a repeat alike: nothing
   * has run, and the key is not consumed. What it throws leaves {@link HttpIdempotency#execute}
   * unchanged.
   *
   * @throws IOException if that cannot be told
   */
  default void authorize() throws IOException {
    // by default whatever stands before the protocol has authorized the request
  }
}
