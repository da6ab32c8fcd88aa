package io.idem.webflux;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.jdbc.GuardBusyException;
import io.idem.guard.jdbc.GuardConflictException;
import io.idem.http.HttpIdempotency;
import io.idem.spring.GuardProblems;
import io.idem.spring.ServiceProblem;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.server.ServerWebExchange;

/**
 * Answers what guards throw in a WebFlux application with problem details (RFC 9457), as {@link
 * WebFluxExceptionHandler} answers the engine's exceptions. Guards block: their place is a thread
 * that may.
 *
 * <p>An {@code @ExceptionHandler} of the controller itself goes first, as does a
 * {@code @ControllerAdvice} of an order below 0.
 */
@ControllerAdvice
@Order(0)
public class WebFluxGuardExceptionHandler {

  private static final Logger log = LoggerFactory.getLogger(WebFluxGuardExceptionHandler.class);

  private final ProblemResponses responses;

  /**
   * Creates a handler.
   *
   * @param protocol says how problems are written and where they are documented
   */
  public WebFluxGuardExceptionHandler(HttpIdempotency protocol) {
    this.responses = new ProblemResponses(protocol);
  }

  /**
   * Answers an exception. One that passes is not the outcome of a protected endpoint around the
   * call, which is unknown then.
   *
   * @param thrown what the guard threw
   * @param exchange the request
   * @return 404, 409, or 503 with the time to ask again
   */
  @ExceptionHandler({
    GuardBusyException.class,
    GuardConflictException.class,
    IllegalTransitionException.class,
    ObjectNotFoundException.class
  })
  public ResponseEntity<byte[]> answer(RuntimeException thrown, ServerWebExchange exchange) {
    ServiceProblem problem =
        GuardProblems.of(thrown)
            .orElseThrow(() -> new IllegalStateException("No exception of a guard", thrown));
    if (problem.passing()) {
      // Without the cause: what a driver says may have values of the row in it.
      log.warn("A request is turned away, to be sent again. {}", thrown.getMessage());
    }
    return responses.of(problem, exchange);
  }
}
