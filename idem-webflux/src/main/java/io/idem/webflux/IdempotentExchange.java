package io.idem.webflux;

import io.idem.core.Attempt;
import io.idem.http.HandlerResponse.Directive;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import java.util.Optional;
import org.springframework.web.server.ServerWebExchange;

/** What a handler behind the filter can ask of it, and say to it. */
public final class IdempotentExchange {

  private static final String ATTEMPT = IdempotentExchange.class.getName() + ".attempt";
  private static final String ENDPOINT = IdempotentExchange.class.getName() + ".endpoint";
  private static final String DIRECTIVE = IdempotentExchange.class.getName() + ".directive";
  private static final String PASSED = IdempotentExchange.class.getName() + ".passed";

  private IdempotentExchange() {}

  /**
   * The run this request is: its outgoing keys, its fencing number.
   *
   * @param exchange the exchange the handler was given
   * @return the run, or nothing if the request is not protected
   */
  public static Optional<Attempt> attempt(ServerWebExchange exchange) {
    return Optional.ofNullable(exchange.getAttribute(ATTEMPT));
  }

  /**
   * The endpoint that a request came to: the one whose run it is, or that let it pass without
   * protection.
   *
   * @param exchange the exchange the handler was given
   * @return the endpoint, or nothing if there is none
   */
  public static Optional<HttpEndpoint> endpoint(ServerWebExchange exchange) {
    HttpEndpoint running = exchange.getAttribute(ENDPOINT);
    return Optional.ofNullable(running != null ? running : exchange.getAttribute(PASSED));
  }

  /**
   * Says that nothing happened, whatever the response: the key is freed.
   *
   * @param exchange the exchange the handler was given
   */
  public static void nothingHappened(ServerWebExchange exchange) {
    exchange.getAttributes().put(DIRECTIVE, Directive.NOTHING_HAPPENED);
  }

  /**
   * Says that nobody knows whether anything happened, whatever the response: the key is left
   * abandoned.
   *
   * @param exchange the exchange the handler was given
   */
  public static void outcomeUnknown(ServerWebExchange exchange) {
    exchange.getAttributes().put(DIRECTIVE, Directive.OUTCOME_UNKNOWN);
  }

  /**
   * Says that the response is not to be kept. Repeats do not run, and are told that the answer was
   * not stored.
   *
   * @param exchange the exchange the handler was given
   */
  public static void doNotKeepResponse(ServerWebExchange exchange) {
    exchange.getAttributes().put(DIRECTIVE, Directive.DO_NOT_KEEP);
  }

  /**
   * Whether the filter has let a request pass an endpoint without protection, because the endpoint
   * does not ask it of such a request.
   *
   * @param exchange the exchange the handler was given
   * @param endpoint the endpoint of the handler
   * @return true if it is meant to run as it is
   */
  public static boolean hasPassed(ServerWebExchange exchange, HttpEndpoint endpoint) {
    return exchange.getAttribute(PASSED) == endpoint;
  }

  /**
   * Says that the key of a request is of use although no endpoint takes it, because something
   * behind does: the response no longer says {@value HttpIdempotency#IGNORED_HEADER}, unless it has
   * been sent.
   *
   * @param exchange the exchange the handler was given
   */
  public static void keyUsed(ServerWebExchange exchange) {
    if (!exchange.getResponse().isCommitted()) {
      exchange.getResponse().getHeaders().remove(HttpIdempotency.IGNORED_HEADER);
    }
  }

  static void passed(ServerWebExchange exchange, HttpEndpoint endpoint) {
    exchange.getAttributes().put(PASSED, endpoint);
  }

  /** Whether the run of an exchange, if there is one, is that of an endpoint. */
  static boolean isRunOf(ServerWebExchange exchange, HttpEndpoint endpoint) {
    return exchange.getAttribute(ENDPOINT) == endpoint;
  }

  static void begin(ServerWebExchange exchange, HttpEndpoint endpoint, Attempt attempt) {
    exchange.getAttributes().remove(DIRECTIVE);
    exchange.getAttributes().put(ENDPOINT, endpoint);
    exchange.getAttributes().put(ATTEMPT, attempt);
  }

  static Directive end(ServerWebExchange exchange) {
    Object directive = exchange.getAttributes().remove(DIRECTIVE);
    exchange.getAttributes().remove(ENDPOINT);
    exchange.getAttributes().remove(ATTEMPT);
    return directive instanceof Directive said ? said : Directive.BY_STATUS;
  }
}
