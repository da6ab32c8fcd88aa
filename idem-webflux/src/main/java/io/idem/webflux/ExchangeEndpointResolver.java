package io.idem.webflux;

import io.idem.http.HttpEndpoint;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Finds out how a request is protected. Thread-safe. */
@FunctionalInterface
public interface ExchangeEndpointResolver {

  /**
   * Looks the endpoint up, without reading the body. The variables of the path, where an endpoint
   * may have its key, are left in the exchange's attribute {@link
   * org.springframework.web.reactive.HandlerMapping#URI_TEMPLATE_VARIABLES_ATTRIBUTE}.
   *
   * @param exchange the request
   * @return its endpoint, the same object for every request to it and of a leased operation, or
   *     nothing if it is not protected
   */
  Mono<HttpEndpoint> resolve(ServerWebExchange exchange);
}
