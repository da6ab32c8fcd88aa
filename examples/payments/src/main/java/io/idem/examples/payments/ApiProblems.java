package io.idem.examples.payments;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.TransientDataAccessException;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.http.converter.HttpMessageNotReadableException;
import org.springframework.transaction.CannotCreateTransactionException;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.context.request.WebRequest;
import org.springframework.web.method.annotation.MethodArgumentTypeMismatchException;
import org.springframework.web.servlet.mvc.method.annotation.ResponseEntityExceptionHandler;
import tools.jackson.databind.json.JsonMapper;

/** Turns what goes wrong behind the API into RFC 9457 problems. */
@RestControllerAdvice
class ApiProblems extends ResponseEntityExceptionHandler {

  private static final Logger LOG = LoggerFactory.getLogger(ApiProblems.class);

  /** A problem whose type leads to its description. */
  static ProblemDetail problem(HttpStatusCode status, String slug, String title, String detail) {
    ProblemDetail problem = ProblemDetail.forStatusAndDetail(status, detail);
    problem.setType(URI.create("/problems.html#" + slug));
    problem.setTitle(title);
    return problem;
  }

  /** Sends a problem from where no handler answers, such as a filter. */
  static void write(JsonMapper json, HttpServletResponse response, ProblemDetail problem)
      throws IOException {
    response.setStatus(problem.getStatus());
    response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
    response.setCharacterEncoding(StandardCharsets.UTF_8.name());
    json.writeValue(response.getOutputStream(), problem);
  }

  @ExceptionHandler
  ResponseEntity<ProblemDetail> rejected(PaymentRejected e) {
    return answer(problem(e.status(), e.slug(), e.title(), String.valueOf(e.getMessage())));
  }

  @ExceptionHandler
  ResponseEntity<ProblemDetail> notFound(NotFound e) {
    return answer(notFoundProblem(String.valueOf(e.getMessage())));
  }

  /** An id of another shape than ours names nothing; any other parameter is a mistake. */
  @ExceptionHandler
  ResponseEntity<ProblemDetail> mismatch(MethodArgumentTypeMismatchException e) {
    return answer(
        e.getName().equals("id")
            ? notFoundProblem("There is nothing of that id.")
            : problem(
                HttpStatus.BAD_REQUEST,
                "invalid-parameter",
                "Invalid parameter",
                "'" + e.getName() + "' has the wrong form."));
  }

  /** The database is busy or away: nothing was done, and the same request may be sent again. */
  @ExceptionHandler({TransientDataAccessException.class, CannotCreateTransactionException.class})
  ResponseEntity<ProblemDetail> unavailable(Exception e) {
    LOG.warn("The database did not take the request: {}", e.toString());
    ProblemDetail problem =
        problem(
            HttpStatus.SERVICE_UNAVAILABLE,
            "unavailable",
            "Temporarily unavailable",
            "Nothing was done. Send the same request again, with the same key.");
    return ResponseEntity.of(problem).header(HttpHeaders.RETRY_AFTER, "1").build();
  }

  @ExceptionHandler
  ResponseEntity<ProblemDetail> unexpected(Exception e) {
    LOG.error("A request failed", e);
    return answer(
        problem(
            HttpStatus.INTERNAL_SERVER_ERROR,
            "internal-error",
            "Internal error",
            "The service could not answer. Send the same request again, with the same key."));
  }

  @Override
  protected @Nullable ResponseEntity<Object> handleHttpMessageNotReadable(
      HttpMessageNotReadableException e,
      HttpHeaders headers,
      HttpStatusCode status,
      WebRequest request) {
    ProblemDetail problem =
        problem(status, "invalid-json", "Invalid JSON", "The body is missing or not valid JSON.");
    return handleExceptionInternal(e, problem, headers, status, request);
  }

  private static ProblemDetail notFoundProblem(String detail) {
    return problem(HttpStatus.NOT_FOUND, "not-found", "Not found", detail);
  }

  private static ResponseEntity<ProblemDetail> answer(ProblemDetail problem) {
    return ResponseEntity.of(problem).build();
  }
}
