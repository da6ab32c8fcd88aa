package io.idem.http;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * A request as an adapter sees it that has no thread to wait on. Its head is known; its body and
 * its authorization are asked for at most once and only when needed: a body is not read for a
 * request that is refused before.
 */
public interface AsyncHttpExchange extends HttpRequestHead {

  /**
   * Reads the body, in such a way that the handler still can.
   *
   * @param maxBytes the most bytes to read
   * @return ends with the body, {@link RequestBody.TooLarge}, or {@link RequestBody.Malformed} if
   *     all of it came and cannot be taken apart; exceptionally if it cannot be read, for example
   *     because the client hung up
   */
  CompletionStage<RequestBody> body(int maxBytes);

  /**
   * Asks whether the caller may send this request at all, as {@link HttpExchange#authorize()} does.
   *
   * @return ends exceptionally if it may not, or if that cannot be told; the failure ends {@link
   *     HttpIdempotency#executeAsync} unchanged
   */
  default CompletionStage<@Nullable Void> authorize() {
    return CompletableFuture.completedFuture(null);
  }
}
