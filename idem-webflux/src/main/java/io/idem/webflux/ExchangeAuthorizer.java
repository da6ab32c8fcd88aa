package io.idem.webflux;

import io.idem.http.HttpEndpoint;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Says whether a request may be carried out, before its key is looked up. Thread-safe.
 *
 * <p>Whatever the handler's own security would refuse is refused here, to a repeat as to a first
 * request: who may no longer call the handler is not to be given a stored answer.
 */
@FunctionalInterface
public interface ExchangeAuthorizer {

  /**
   * Asks.
   *
   * @param exchange the request, its body still to be read
   * @param endpoint its endpoint
   * @return true to go on, false to leave it to the rest of the chain, which refuses it, and a
   *     failure to refuse it by that; nothing is the same as false
   */
  Mono<Boolean> authorize(ServerWebExchange exchange, HttpEndpoint endpoint);

  /**
   * Whatever stands before the filter has authorized the request.
   *
   * @return an authorizer that objects to nothing
   */
  static ExchangeAuthorizer none() {
    return (exchange, endpoint) -> Mono.just(true);
  }
}
