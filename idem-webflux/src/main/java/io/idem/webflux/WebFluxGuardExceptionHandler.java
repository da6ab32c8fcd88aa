package io.idem.webflux;

import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.jdbc.GuardBusyException;
import io.idem.guard.jdbc.GuardConflictException;
import io.idem.http.HttpIdempotency;
import io.idem.spring.GuardProblems;
import io.idem.spring.ServiceProblem;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.ApplicationContextAware;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

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
public class WebFluxGuardExceptionHandler implements ApplicationContextAware {

  private static final Logger log = LoggerFactory.getLogger(WebFluxGuardExceptionHandler.class);

  private final ProblemResponses responses;
  private volatile @Nullable OtherAdvice others;

  /**
   * Creates a handler.
   *
   * @param protocol says how problems are written and where they are documented
   */
  public WebFluxGuardExceptionHandler(HttpIdempotency protocol) {
    this.responses = new ProblemResponses(protocol);
  }

  @Override
  public void setApplicationContext(ApplicationContext context) {
    this.others = new OtherAdvice(context);
  }

  /**
   * Answers an exception. One that passes is not the outcome of a protected endpoint around the
   * call, which is unknown then. What only has a guard's exception for its cause is answered by the
   * application's own {@code @ControllerAdvice}, if there is one for it.
   *
   * @param thrown what the handler threw
   * @param exchange the request
   * @return 404 or 409; empty if another advice has answered
   */
  @ExceptionHandler({
    GuardBusyException.class,
    GuardConflictException.class,
    IllegalTransitionException.class,
    ObjectNotFoundException.class
  })
  public Mono<ResponseEntity<byte[]>> answer(Throwable thrown, ServerWebExchange exchange) {
    // An endpoint of WebFlux is leased: nothing that a request did is known to be undone.
    ServiceProblem problem = GuardProblems.of(thrown, false).orElse(null);
    if (problem == null) { // Spring comes here with what wraps one of these, too
      OtherAdvice asked = others;
      return asked == null
          ? Mono.error(thrown)
          : asked.answer(thrown, exchange).then(Mono.<ResponseEntity<byte[]>>empty());
    }
    if (problem.passing()) {
      // Without the cause: what a driver says may have values of the row in it.
      log.warn("A request is turned away, because others are at its row. {}", thrown.getMessage());
    }
    return Mono.just(responses.of(problem, exchange));
  }
}
