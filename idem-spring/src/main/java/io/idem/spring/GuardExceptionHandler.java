package io.idem.spring;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.jdbc.GuardBusyException;
import io.idem.guard.jdbc.GuardConflictException;
import io.idem.http.HttpIdempotency;
import jakarta.servlet.http.HttpServletRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/**
 * Answers what guards throw in a Spring MVC application with problem details (RFC 9457), as {@link
 * IdempotencyExceptionHandler} answers the engine's exceptions.
 *
 * <p>An {@code @ExceptionHandler} of the controller itself goes first, as does a
 * {@code @ControllerAdvice} of an order below 0.
 */
@ControllerAdvice
@Order(0)
public class GuardExceptionHandler {

  private static final Logger log = LoggerFactory.getLogger(GuardExceptionHandler.class);

  private final ProblemResponses responses;

  /**
   * Creates a handler.
   *
   * @param protocol says how problems are written and where they are documented
   */
  public GuardExceptionHandler(HttpIdempotency protocol) {
    this.responses = new ProblemResponses(protocol);
  }

  /**
   * Answers an exception. One that passes is not the outcome of a protected endpoint around the
   * call.
   *
   * @param thrown what the handler threw
   * @param request the request
   * @return 404, 409, or, if everything is undone, 503 with the time to ask again
   * @throws Exception what was thrown, if it only has a guard's exception for its cause: that is
   *     for the application's own handlers, see {@link WrappedGuardExceptions}
   */
  @ExceptionHandler({
    GuardBusyException.class,
    GuardConflictException.class,
    IllegalTransitionException.class,
    ObjectNotFoundException.class
  })
  public ResponseEntity<byte[]> answer(Exception thrown, HttpServletRequest request)
      throws Exception {
    // Spring comes here with what wraps one of these, too.
    ServiceProblem problem =
        GuardProblems.of(thrown, ProblemResponses.isUndone(request)).orElse(null);
    if (problem == null) {
      throw thrown;
    }
    if (problem.passing()) {
      // Without the cause: what a driver says may have values of the row in it.
      log.warn("A request is turned away, because others are at its row. {}", thrown.getMessage());
    }
    return responses.of(problem, request);
  }
}
