package io.idem.servlet;

import io.idem.core.Attempt;
import io.idem.http.HandlerResponse.Directive;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a handler behind the filter can ask of it, and say to it. */
public final class IdempotentExchange {

  private static final String RUN = IdempotentExchange.class.getName() + ".run";
  private static final String FLAGGED = IdempotentExchange.class.getName() + ".flagged";
  private static final String PASSED = IdempotentExchange.class.getName() + ".passed";

  private IdempotentExchange() {}

  /**
   * The run this request is: its outgoing keys, its fencing number.
   *
   * @param request the request the handler was given
   * @return the run, or nothing if the request is not protected
   */
  public static Optional<Attempt> attempt(ServletRequest request) {
    Run run = (Run) request.getAttribute(RUN);
    return run == null ? Optional.empty() : Optional.of(run.attempt);
  }

  /**
   * The endpoint that a request came to: the one whose run it is, or that let it pass without
   * protection.
   *
   * @param request the request the handler was given
   * @return the endpoint, or nothing if there is none
   */
  public static Optional<HttpEndpoint> endpoint(ServletRequest request) {
    Run run = (Run) request.getAttribute(RUN);
    return run != null
        ? Optional.of(run.endpoint)
        : Optional.ofNullable((HttpEndpoint) request.getAttribute(PASSED));
  }

  /**
   * Says that nothing happened, whatever the response: the key is freed, and in transactional mode
   * the transaction is rolled back.
   *
   * @param request the request the handler was given
   */
  public static void nothingHappened(ServletRequest request) {
    say(request, Directive.NOTHING_HAPPENED);
  }

  /**
   * Says that nobody knows whether anything happened, whatever the response: in transactional mode
   * the transaction is rolled back and the key is free, in leased mode the key is left abandoned.
   *
   * @param request the request the handler was given
   */
  public static void outcomeUnknown(ServletRequest request) {
    say(request, Directive.OUTCOME_UNKNOWN);
  }

  /**
   * Says that the response is not to be kept. Repeats do not run, and are told that the answer was
   * not stored.
   *
   * @param request the request the handler was given
   */
  public static void doNotKeepResponse(ServletRequest request) {
    say(request, Directive.DO_NOT_KEEP);
  }

  /** A request that is no run, or no longer, has nobody to tell. */
  private static void say(ServletRequest request, Directive directive) {
    if (request.getAttribute(RUN) instanceof Run run) {
      run.directive = directive;
    }
  }

  /**
   * Whether the filter has let a request pass an endpoint without protection, because the endpoint
   * does not ask it of such a request. A forward from there to another endpoint is another matter.
   *
   * @param request the request the handler was given
   * @param endpoint the endpoint of the handler
   * @return true if it is meant to run as it is
   */
  public static boolean hasPassed(ServletRequest request, HttpEndpoint endpoint) {
    return request.getAttribute(PASSED) == endpoint;
  }

  /**
   * Says that the key of a request is of use although no endpoint takes it, because something
   * behind does: the response no longer says {@value HttpIdempotency#IGNORED_HEADER}, unless it has
   * been sent.
   *
   * @param request the request the handler was given
   */
  public static void keyUsed(ServletRequest request) {
    if (request.getAttribute(FLAGGED) instanceof HttpServletResponse response) {
      response.setHeader(HttpIdempotency.IGNORED_HEADER, null); // Servlet 6.1: taken off
      request.removeAttribute(FLAGGED);
    }
  }

  static void flagged(ServletRequest request, HttpServletResponse response) {
    request.setAttribute(FLAGGED, response);
  }

  static void passed(ServletRequest request, HttpEndpoint endpoint) {
    request.setAttribute(PASSED, endpoint);
  }

  /** Begins a run, possibly inside that of another filter's, which goes on afterwards. */
  static Run begin(ServletRequest request, Attempt attempt, HttpEndpoint endpoint) {
    Run run = new Run(attempt, endpoint, (Run) request.getAttribute(RUN));
    request.setAttribute(RUN, run);
    return run;
  }

  static void end(ServletRequest request, Run run) {
    if (run.around == null) {
      request.removeAttribute(RUN);
    } else {
      request.setAttribute(RUN, run.around);
    }
  }

  /** One attribute for all of it: containers tell listeners of each. */
  static final class Run {

    private final Attempt attempt;
    private final HttpEndpoint endpoint;
    private final @Nullable Run around;

    /** The last word; written by whichever thread handles the request. */
    private volatile Directive directive = Directive.BY_STATUS;

    private Run(Attempt attempt, HttpEndpoint endpoint, @Nullable Run around) {
      this.attempt = attempt;
      this.endpoint = endpoint;
      this.around = around;
    }

    /** What the handler has said so far. */
    Directive directive() {
      return directive;
    }
  }
}
