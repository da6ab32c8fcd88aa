package io.idem.webflux;

import java.security.Principal;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/** Finds out who sends a request. Thread-safe. */
@FunctionalInterface
public interface ExchangeCallerResolver {

  /**
   * Names the caller: the principal, not the credential, so that a refreshed token is the same
   * caller.
   *
   * @param exchange the request, after authentication
   * @return the caller, or nothing if it is not known; it must not block
   */
  Mono<String> resolve(ServerWebExchange exchange);

  /**
   * The name of the exchange's principal. The anonymous one of Spring Security is none: it is the
   * same for all who have not logged in, who are not to be given each other's answers.
   *
   * @return the resolver
   */
  static ExchangeCallerResolver principal() {
    return exchange ->
        exchange
            .getPrincipal()
            .filter(principal -> !SpringSecurity.isAnonymous(principal))
            .map(Principal::getName);
  }
}
