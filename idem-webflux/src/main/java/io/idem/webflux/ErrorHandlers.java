package io.idem.webflux;

import java.util.List;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.web.ErrorResponse;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.server.ContentTooLargeException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import reactor.core.publisher.Mono;

/**
 * What turns the errors of a handler into responses. WebFlux asks it outside of all filters; here
 * it is asked inside of the run, so that what is sent is what is kept. Thread-safe.
 */
final class ErrorHandlers {

  private final List<WebExceptionHandler> handlers;

  /** The handlers, in their order. */
  ErrorHandlers(List<WebExceptionHandler> handlers) {
    this.handlers = List.copyOf(handlers);
  }

  /**
   * Renders an error, or passes it on.
   *
   * <p>An error that says its own status is a response of that status. So is one that the handlers
   * answer with less than 500. What is left is answered outside, as without protection, and the
   * operation decides by its rules for exceptions: a handler for everything that nobody has
   * foreseen does not make an outcome of it. Spring Security's own go to its filter, which stands
   * around this run.
   *
   * <p>A body that is larger than a codec of the application reads is an argument that could not be
   * read, and no outcome: the key is free, as with one that is larger than the protocol reads.
   */
  Mono<Void> render(ServerWebExchange exchange, CapturedServerResponse response, Throwable thrown) {
    if (handlers.isEmpty() || response.isCommitted() || SpringSecurity.isItsOwn(thrown)) {
      return Mono.error(thrown);
    }
    Mono<Void> rendered = Mono.error(thrown);
    for (WebExceptionHandler handler : handlers) {
      rendered = rendered.onErrorResume(error -> handler.handle(exchange, error));
    }
    return rendered.then(
        Mono.defer(
            () -> {
              if (response.status() >= 500 && !saysItsStatus(thrown)) {
                return Mono.error(thrown);
              }
              if (thrown instanceof ContentTooLargeException) {
                IdempotentExchange.nothingHappened(exchange);
              }
              return Mono.empty();
            }));
  }

  private static boolean saysItsStatus(Throwable thrown) {
    return thrown instanceof ErrorResponse
        || MergedAnnotations.from(thrown.getClass(), SearchStrategy.TYPE_HIERARCHY)
            .isPresent(ResponseStatus.class);
  }
}
