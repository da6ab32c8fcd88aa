package io.idem.spring;

import io.idem.core.Mode;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import io.idem.http.StoredResponse;
import io.idem.servlet.IdempotentExchange;
import jakarta.servlet.http.HttpServletRequest;
import org.springframework.http.ResponseEntity;
import org.springframework.util.ClassUtils;

/**
 * Problems as responses of Spring MVC, in the dialect of the endpoint that the request came to.
 *
 * @param protocol says how problems are written and where they are documented
 */
record ProblemResponses(HttpIdempotency protocol) {

  private static final boolean BEHIND_FILTER =
      ClassUtils.isPresent(
          "io.idem.servlet.IdempotentExchange", ProblemResponses.class.getClassLoader());

  /**
   * The response to a problem.
   *
   * <p>Inside a protected endpoint, one that passes is not its outcome. In transactional mode what
   * the endpoint did before is rolled back and its key is free; in leased mode it is unknown, and
   * its key says so from now on, which the client had better hear at once. Outside of one nothing
   * is known to be undone.
   */
  ResponseEntity<byte[]> of(ServiceProblem problem, HttpServletRequest request) {
    if (!problem.passing()) {
      return rendered(problem, request);
    }
    if (!BEHIND_FILTER) {
      return rendered(problem.outsideOfRun(), request);
    }
    IdempotentExchange.outcomeUnknown(request);
    return rendered(
        IdempotentExchange.attempt(request)
            .map(run -> run.mode() == Mode.LEASED ? problem.insideLeased() : problem)
            .orElseGet(problem::outsideOfRun),
        request);
  }

  /** Whether everything that a request did is undone if it fails: it is a transactional attempt. */
  static boolean isUndone(HttpServletRequest request) {
    return BEHIND_FILTER
        && IdempotentExchange.attempt(request)
            .filter(run -> run.mode() == Mode.TRANSACTIONAL)
            .isPresent();
  }

  private ResponseEntity<byte[]> rendered(ServiceProblem problem, HttpServletRequest request) {
    SpringRequestHead head = new SpringRequestHead(request);
    HttpEndpoint endpoint =
        BEHIND_FILTER ? IdempotentExchange.endpoint(request).orElse(null) : null;
    StoredResponse written =
        endpoint == null
            ? protocol.render(head, problem.type(), problem.detail(), problem.retryAfter())
            : protocol.render(
                endpoint, head, problem.type(), problem.detail(), problem.retryAfter());
    ResponseEntity.BodyBuilder response = ResponseEntity.status(written.status());
    written.headers().forEach(header -> response.header(header.name(), header.value()));
    return response.body(written.body());
  }
}
