package io.idem.webflux;

import io.idem.http.HttpEndpoint;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.springframework.core.Ordered;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.reactive.HandlerAdapter;
import org.springframework.web.reactive.HandlerResult;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * The second lock: refuses to run a protected handler for a request that the filter did not
 * protect, for example because a filter behind it has changed the path, and for one that the
 * handler's own method security refuses. It stands before the adapters that call handlers.
 * Thread-safe.
 */
public final class WebFluxEndpointGuard implements HandlerAdapter, Ordered {

  private final WebFluxEndpoints endpoints;
  private final Supplier<Stream<HandlerAdapter>> adapters;

  /**
   * Creates the guard.
   *
   * @param endpoints which handlers are protected
   * @param adapters what calls handlers, in their order; this one among them does not matter
   */
  public WebFluxEndpointGuard(
      WebFluxEndpoints endpoints, Supplier<Stream<HandlerAdapter>> adapters) {
    this.endpoints = endpoints;
    this.adapters = adapters;
  }

  @Override
  public int getOrder() {
    return HIGHEST_PRECEDENCE;
  }

  @Override
  public boolean supports(Object handler) {
    return handler instanceof HandlerMethod method && endpoints.endpointOf(method).isPresent();
  }

  /**
   * Has a request handled that is protected or need not be.
   *
   * @return ends with an {@link IllegalStateException} for one that would run unprotected, and with
   *     the denial for one that the method security of the handler has refused
   */
  @Override
  public Mono<HandlerResult> handle(ServerWebExchange exchange, Object handler) {
    Exception refusal = WebFluxEndpoints.refusalOf(exchange);
    if (refusal != null) {
      return Mono.error(refusal);
    }
    HttpEndpoint endpoint = endpoints.endpointOf((HandlerMethod) handler).orElse(null);
    if (endpoint != null && isUnprotected(exchange, endpoint)) {
      return Mono.error(
          new IllegalStateException(
              "A request of operation '"
                  + endpoint.operation().name()
                  + "' came to its handler past the idempotency filter, or in the run of another"
                  + " operation, and is refused: was its path changed by a filter behind, or is the"
                  + " filter not registered?"));
    }
    return adapters
        .get()
        .filter(adapter -> adapter != this && adapter.supports(handler))
        .findFirst()
        .map(adapter -> adapter.handle(exchange, handler))
        .orElseGet(() -> Mono.error(new IllegalStateException("Nothing calls " + handler)));
  }

  private static boolean isUnprotected(ServerWebExchange exchange, HttpEndpoint endpoint) {
    return !IdempotentExchange.isRunOf(exchange, endpoint)
        && endpoint.protects(exchange.getRequest().getMethod().name())
        && !IdempotentExchange.hasPassed(exchange, endpoint)
        && (endpoint.isKeyRequired()
            || endpoint.keySource().maySend(new ExchangeHead(exchange, null)));
  }
}
