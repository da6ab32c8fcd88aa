package io.idem.spring;

import io.idem.http.HttpEndpoint;
import io.idem.servlet.IdempotentExchange;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * The second lock: refuses to run a protected handler for a request that the filter did not
 * protect, for example because it was forwarded, or reached the dispatcher servlet by a way that
 * the filter does not stand in, and for one that the handler's own method security refuses.
 * Thread-safe.
 */
public final class EndpointGuard implements HandlerInterceptor {

  private final WebEndpoints endpoints;

  /**
   * Creates the guard.
   *
   * @param endpoints which handlers are protected
   */
  public EndpointGuard(WebEndpoints endpoints) {
    this.endpoints = endpoints;
  }

  /**
   * Lets a request pass that is protected or need not be.
   *
   * @throws IllegalStateException for one that would run unprotected
   * @throws Exception for one that the method security of the handler has refused
   */
  @Override
  public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
      throws Exception {
    Exception refusal = endpoints.refusalOf(request);
    if (refusal != null
        && handler instanceof HandlerMethod method
        && endpoints.endpointOf(method).isPresent()) {
      throw refusal;
    }
    if (!(handler instanceof HandlerMethod method)
        || IdempotentExchange.attempt(request).isPresent()) {
      return true;
    }
    endpoints
        .endpointOf(method)
        .filter(endpoint -> endpoint.protects(request.getMethod()))
        .filter(endpoint -> !IdempotentExchange.hasPassed(request, endpoint))
        .filter(
            endpoint ->
                endpoint.isKeyRequired()
                    || endpoint.keySource().maySend(new SpringRequestHead(request)))
        .ifPresent(EndpointGuard::refuse);
    return true;
  }

  private static void refuse(HttpEndpoint endpoint) {
    throw new IllegalStateException(
        "A request of operation '"
            + endpoint.operation().name()
            + "' came to its handler past the idempotency filter and is refused: was it forwarded,"
            + " or is the filter not registered for this dispatcher servlet?");
  }
}
