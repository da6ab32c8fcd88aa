package io.idem.http;

import io.idem.core.AsyncBody;
import io.idem.core.Body;
import io.idem.core.Disposition;
import java.util.List;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;

/**
 * The handler's turn of one request, and what is kept of it. What it remembers of the run may be
 * asked for on another thread than the handler's.
 */
final class Recorder {

  private final HttpEndpoint endpoint;
  private volatile boolean started;
  private volatile @Nullable Throwable failure;

  Recorder(HttpEndpoint endpoint) {
    this.endpoint = endpoint;
  }

  /** The handler as the work of the operation. */
  <X extends Throwable> Body<HttpOutcome, X> around(HttpHandler<X> handler) {
    return attempt -> {
      started = true;
      try {
        return outcomeOf(handler.handle(attempt));
      } catch (Throwable thrown) {
        failure = thrown;
        throw thrown;
      }
    };
  }

  /** The handler as the work of the operation, without a thread that waits for it. */
  AsyncBody<HttpOutcome> aroundAsync(AsyncHttpHandler handler) {
    return attempt -> {
      started = true;
      try {
        return handler
            .handle(attempt)
            .handle(
                (response, thrown) -> {
                  if (thrown == null) {
                    return outcomeOf(response);
                  }
                  failure =
                      thrown instanceof CompletionException && thrown.getCause() != null
                          ? thrown.getCause()
                          : thrown;
                  throw new CompletionException(failure);
                });
      } catch (Throwable thrown) {
        failure = thrown;
        throw thrown;
      }
    };
  }

  /** Whether the handler was given the request, however that ended. */
  boolean hasStarted() {
    return started;
  }

  /** Whether a failure is the handler's own, and none of the engine. */
  boolean threw(Throwable thrown) {
    return thrown == failure;
  }

  /** What is kept of a response: the handler's directive decides first, then its status. */
  HttpOutcome outcomeOf(HandlerResponse response) {
    if (response.directive() == HandlerResponse.Directive.NOTHING_HAPPENED) {
      return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.RELEASE);
    }
    if (response.directive() == HandlerResponse.Directive.OUTCOME_UNKNOWN) {
      return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, Disposition.UNKNOWN);
    }
    Disposition disposition = endpoint.responsePolicy().dispositionOf(response.status());
    if (response.directive() == HandlerResponse.Directive.DO_NOT_KEEP) {
      return new HttpOutcome.NotKept(HttpOutcome.Reason.BY_HANDLER, disposition);
    }
    List<HeaderField> headers = endpoint.replayHeaders().filter(response.headers());
    return response
        .content()
        .fold(
            body ->
                body.bytes().length > endpoint.maxStoredBytes()
                    ? new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, disposition)
                    : new HttpOutcome.Answered(
                        new StoredResponse(response.status(), headers, body.bytes()), disposition),
            tooLarge -> new HttpOutcome.NotKept(HttpOutcome.Reason.TOO_LARGE, disposition),
            page ->
                new HttpOutcome.ErrorPage(response.status(), page.message(), headers, disposition));
  }
}
