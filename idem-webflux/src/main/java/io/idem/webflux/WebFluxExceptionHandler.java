package io.idem.webflux;

import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.ResultNotStoredException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.http.HttpIdempotency;
import io.idem.spring.MalformedKeyException;
import io.idem.spring.MissingKeyException;
import io.idem.spring.ServiceProblem;
import io.idem.spring.UnknownCallerException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.server.ServerWebExchange;

/**
 * Answers what the engine throws out of {@link io.idem.spring.Idempotent} service methods with the
 * same problem details (RFC 9457) as the HTTP layer gives, in the dialect of the endpoint that the
 * request came to.
 *
 * <p>An {@code @ExceptionHandler} of the controller itself goes first, as does a
 * {@code @ControllerAdvice} of an order below 0.
 */
@ControllerAdvice
@Order(0)
public class WebFluxExceptionHandler {

  private static final Logger log = LoggerFactory.getLogger(WebFluxExceptionHandler.class);

  private final ProblemResponses responses;

  /**
   * Creates a handler.
   *
   * @param protocol says how problems are written and where they are documented
   */
  public WebFluxExceptionHandler(HttpIdempotency protocol) {
    this.responses = new ProblemResponses(protocol);
  }

  /**
   * Answers an exception. One that passes is not the outcome of a protected endpoint around the
   * call, which is unknown then.
   *
   * @param thrown what the engine threw
   * @param exchange the request
   * @return the problem
   */
  @ExceptionHandler({
    KeyBusyException.class,
    KeyReusedException.class,
    MalformedKeyException.class,
    MissingKeyException.class,
    OutcomeUnknownException.class,
    ResultNotStoredException.class,
    StoreUnavailableException.class,
    UnknownCallerException.class
  })
  public ResponseEntity<byte[]> answer(Exception thrown, ServerWebExchange exchange) {
    if (thrown instanceof StoreUnavailableException) {
      log.warn(
          "A request is turned away, because a store or database is unavailable: {}",
          ServiceProblem.forLog(thrown),
          thrown);
    } else if (thrown instanceof UnknownCallerException) {
      log.warn("A request is refused: {}", thrown.getMessage(), thrown);
    }
    return responses.of(
        ServiceProblem.of(thrown)
            .orElseThrow(() -> new IllegalStateException("No exception of the engine", thrown)),
        exchange);
  }
}
