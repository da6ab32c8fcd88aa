package io.idem.webflux;

import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.StoredResponse;
import io.idem.spring.ServiceProblem;
import org.springframework.http.ResponseEntity;
import org.springframework.web.server.ServerWebExchange;

/**
 * Problems as responses of WebFlux, in the dialect of the endpoint that the request came to.
 *
 * @param protocol says how problems are written and where they are documented
 */
record ProblemResponses(HttpIdempotency protocol) {

  /**
   * The response to a problem. One that passes is not the outcome of a protected endpoint around
   * the call, which is unknown then; outside of one nothing is known to be undone.
   */
  ResponseEntity<byte[]> of(ServiceProblem problem, ServerWebExchange exchange) {
    ServiceProblem told = problem;
    if (IdempotentExchange.attempt(exchange).isEmpty()) {
      told = problem.outsideOfRun();
    } else if (problem.passing()) {
      IdempotentExchange.outcomeUnknown(exchange);
      told = problem.insideLeased();
    }
    ExchangeHead head = new ExchangeHead(exchange, null);
    HttpEndpoint endpoint = IdempotentExchange.endpoint(exchange).orElse(null);
    StoredResponse rendered =
        endpoint == null
            ? protocol.render(head, told.type(), told.detail(), told.retryAfter())
            : protocol.render(endpoint, head, told.type(), told.detail(), told.retryAfter());
    ResponseEntity.BodyBuilder response = ResponseEntity.status(rendered.status());
    rendered.headers().forEach(header -> response.header(header.name(), header.value()));
    return response.body(rendered.body());
  }
}
