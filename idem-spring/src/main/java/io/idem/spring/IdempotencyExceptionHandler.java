package io.idem.spring;

import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.ResultNotStoredException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.http.HttpIdempotency;
import jakarta.servlet.http.HttpServletRequest;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.annotation.Order;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;

/**
 * Answers what the engine throws out of {@link Idempotent} service methods with the same problem
 * details (RFC 9457) as the HTTP layer gives, in the dialect of the endpoint that the request came
 * to.
 *
 * <p>An {@code @ExceptionHandler} of the controller itself goes first, as does a
 * {@code @ControllerAdvice} of an order below 0.
 */
@ControllerAdvice
@Order(0)
public class IdempotencyExceptionHandler {

  private static final Logger log = LoggerFactory.getLogger(IdempotencyExceptionHandler.class);

  private final ProblemResponses responses;

  /** Creates a handler whose problems are documented where the HTTP layer's are by default. */
  public IdempotencyExceptionHandler() {
    this(HttpIdempotency.builder().build());
  }

  /**
   * Creates a handler.
   *
   * @param protocol says how problems are written and where they are documented
   */
  public IdempotencyExceptionHandler(HttpIdempotency protocol) {
    this.responses = new ProblemResponses(protocol);
  }

  /**
   * Another call under the key is still running.
   *
   * @param e what the engine threw
   * @param request the request
   * @return 409, with the time to ask again; in a leased endpoint, whose own outcome is unknown by
   *     that, 409 without, not to be retried
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> busy(KeyBusyException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * The key belongs to a different request.
   *
   * @param e what the engine threw
   * @param request the request
   * @return 422
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> reused(KeyReusedException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * Nobody knows what became of an earlier run.
   *
   * @param e what the engine threw
   * @param request the request
   * @return 409, not to be retried
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> unknown(OutcomeUnknownException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * It was done, and the result was not kept.
   *
   * @param e what the engine threw
   * @param request the request
   * @return 409, not to be retried
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> notStored(ResultNotStoredException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * The store cannot say whether it was done, or no transaction could be begun for a guard.
   *
   * @param e what the engine threw
   * @param request the request
   * @return 503, with the time to ask again, if all that the request did is undone, as in a
   *     transactional endpoint; otherwise 409, not to be retried
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> storeUnavailable(
      StoreUnavailableException e, HttpServletRequest request) {
    log.warn(
        "A request is turned away, because a store or database is unavailable: {}",
        ServiceProblem.forLog(e),
        e);
    return told(request, e);
  }

  /**
   * The key is missing.
   *
   * @param e what the interceptor threw
   * @param request the request
   * @return 400
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> missing(MissingKeyException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * The key cannot be read.
   *
   * @param e what the interceptor threw
   * @param request the request
   * @return 400
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> malformed(MalformedKeyException e, HttpServletRequest request) {
    return told(request, e);
  }

  /**
   * The caller whose key it is, is not known.
   *
   * @param e what the interceptor threw
   * @param request the request
   * @return 403
   */
  @ExceptionHandler
  public ResponseEntity<byte[]> unknownCaller(
      UnknownCallerException e, HttpServletRequest request) {
    log.warn("A request is refused, because its caller is not known", e);
    return told(request, e);
  }

  private ResponseEntity<byte[]> told(HttpServletRequest request, Exception thrown) {
    return responses.of(
        ServiceProblem.of(thrown)
            .orElseThrow(() -> new IllegalStateException("No exception of the engine", thrown)),
        request);
  }
}
