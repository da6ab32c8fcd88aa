package io.idem.webflux;

import io.idem.http.CallerScope;
import io.idem.http.HttpAnswer;
import io.idem.http.HttpEndpoint;
import io.idem.http.HttpIdempotency;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.Ordered;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.web.server.ResponseStatusException;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebExceptionHandler;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The Idempotency-Key protocol as a filter of WebFlux. No thread waits: neither for the body, nor
 * for the store, nor for another request of the key.
 *
 * <p>It belongs behind authentication and authorization, and in front of the handlers; by default
 * it is the last filter.
 *
 * <ol>
 *   <li>The body of a protected request is read up to the endpoint's bound, and can be read again,
 *       also as a form or in parts.
 *   <li>The rest of the chain is subscribed to inside the operation, with the context of the
 *       request. Its response is held back, in memory up to what the endpoint keeps and in a
 *       temporary file beyond. What error handlers make of a failure belongs to it.
 *   <li>Once the outcome is recorded, the response is sent. A client that has hung up by then
 *       changes nothing: to cancel the request cancels neither the handler nor the record.
 * </ol>
 *
 * <p>Thread-safe.
 */
public final class IdempotencyWebFilter implements WebFilter, Ordered {

  private static final Logger log = LoggerFactory.getLogger("io.idem.webflux");

  private final HttpIdempotency protocol;
  private final ExchangeEndpointResolver endpoints;
  private final ExchangeCallerResolver callers;
  private final ExchangeAuthorizer authorizer;
  private final ErrorHandlers errorHandlers;
  private final ServerCodecConfigurer codecs;
  private final Scheduler scheduler;
  private final int order;
  private final Set<HttpEndpoint> withoutParts = ConcurrentHashMap.newKeySet();

  private IdempotencyWebFilter(Builder builder) {
    this.protocol = builder.protocol;
    this.endpoints = builder.endpoints;
    this.callers = builder.callers;
    this.authorizer = builder.authorizer;
    this.errorHandlers = new ErrorHandlers(builder.errorHandlers);
    this.codecs = builder.codecs;
    this.scheduler = builder.scheduler;
    this.order = builder.order;
  }

  /**
   * Starts the settings of a filter.
   *
   * @param protocol the protocol
   * @param endpoints which requests are protected, and how
   * @return a builder
   */
  public static Builder builder(HttpIdempotency protocol, ExchangeEndpointResolver endpoints) {
    return new Builder(protocol, endpoints);
  }

  ExchangeAuthorizer authorizer() {
    return authorizer;
  }

  ErrorHandlers errorHandlers() {
    return errorHandlers;
  }

  ServerCodecConfigurer codecs() {
    return codecs;
  }

  Scheduler scheduler() {
    return scheduler;
  }

  /** Whether it is the first time that the parts of an endpoint's request were not there. */
  boolean isFirstWithoutParts(HttpEndpoint endpoint) {
    return withoutParts.add(endpoint);
  }

  @Override
  public int getOrder() {
    return order;
  }

  @Override
  public Mono<Void> filter(ServerWebExchange exchange, WebFilterChain chain) {
    return endpoints
        .resolve(exchange)
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty())
        .flatMap(
            found ->
                found.isEmpty()
                    ? unprotected(exchange, chain)
                    : protect(found.get(), exchange, chain));
  }

  private Mono<Void> unprotected(ServerWebExchange exchange, WebFilterChain chain) {
    ExchangeHead head = new ExchangeHead(exchange, null);
    HttpAnswer answer = protocol.unprotected(head);
    if (answer instanceof HttpAnswer.Refusal refusal) {
      return ResponseWriter.send(exchange.getResponse(), protocol.render(head, refusal.problem()));
    }
    if (answer instanceof HttpAnswer.PassThrough passThrough) {
      ResponseWriter.putHeaders(exchange.getResponse(), passThrough.headers());
    }
    return chain.filter(exchange);
  }

  private Mono<Void> protect(
      HttpEndpoint endpoint, ServerWebExchange exchange, WebFilterChain chain) {
    return callerOf(endpoint, exchange)
        .flatMap(
            caller ->
                Mono.deferContextual(
                    context ->
                        protect(
                            endpoint,
                            new ProtectedExchange(
                                this, exchange, endpoint, caller, chain, context))));
  }

  /** The caller, or an empty name where there is none or nobody asks. */
  private Mono<String> callerOf(HttpEndpoint endpoint, ServerWebExchange exchange) {
    return endpoint.callerScope() == CallerScope.SHARED
            || !endpoint.protects(exchange.getRequest().getMethod().name())
        ? Mono.just("")
        : callers.resolve(exchange).defaultIfEmpty("");
  }

  private Mono<Void> protect(HttpEndpoint endpoint, ProtectedExchange exchange) {
    CompletableFuture<HttpAnswer> carried =
        protocol.executeAsync(endpoint, exchange, exchange).toCompletableFuture();
    boolean atOnce = carried.isDone();
    Mono<HttpAnswer> answered = Mono.fromFuture(carried, true);
    return (atOnce ? answered : answered.publishOn(scheduler))
        .flatMap(answer -> send(endpoint, exchange, answer))
        .onErrorResume(ProtectedExchange.RefusedByTheChain.class, e -> exchange.passOn())
        // Whoever has hung up, the run goes on: what it has left on disk is deleted at its end.
        .doFinally(signal -> endAfter(carried, endpoint, exchange));
  }

  private Mono<Void> send(HttpEndpoint endpoint, ProtectedExchange exchange, HttpAnswer answer) {
    ServerHttpResponse response = exchange.exchange.getResponse();
    return answer.fold(
        passThrough -> {
          ResponseWriter.putHeaders(response, passThrough.headers());
          IdempotentExchange.passed(exchange.exchange, endpoint);
          return exchange.passOn();
        },
        fresh -> {
          CapturedServerResponse captured = exchange.captured();
          if (captured == null) {
            return Mono.error(new IllegalStateException("Nothing has run"));
          }
          captured.applyHead();
          ResponseWriter.putHeaders(response, fresh.headers());
          return captured.deliver();
        },
        replay -> ResponseWriter.send(response, replay.response()),
        page -> {
          ResponseWriter.putHeaders(response, page.headers());
          return Mono.error(
              new ResponseStatusException(HttpStatusCode.valueOf(page.status()), page.message()));
        },
        refusal ->
            ResponseWriter.send(response, protocol.render(endpoint, exchange, refusal.problem())));
  }

  private static void endAfter(
      CompletableFuture<HttpAnswer> carried, HttpEndpoint endpoint, ProtectedExchange exchange) {
    CompletableFuture<HttpAnswer> unused =
        carried.whenComplete((answer, failure) -> end(endpoint, exchange));
  }

  private static void end(HttpEndpoint endpoint, ProtectedExchange exchange) {
    exchange
        .end()
        .subscribe(
            unused -> {},
            failure ->
                log.warn(
                    "A temporary file of a response of {} was not deleted", endpoint, failure));
  }

  /** Says nothing of requests. */
  @Override
  public String toString() {
    return "IdempotencyWebFilter[" + protocol.problemBase() + "]";
  }

  /** Collects the settings of a filter. Not thread-safe. */
  public static final class Builder {

    private final HttpIdempotency protocol;
    private final ExchangeEndpointResolver endpoints;
    private ExchangeCallerResolver callers = ExchangeCallerResolver.principal();
    private ExchangeAuthorizer authorizer = ExchangeAuthorizer.none();
    private List<WebExceptionHandler> errorHandlers = List.of();
    private ServerCodecConfigurer codecs = ServerCodecConfigurer.create();
    private Scheduler scheduler = Schedulers.parallel();
    private int order = LOWEST_PRECEDENCE;

    private Builder(HttpIdempotency protocol, ExchangeEndpointResolver endpoints) {
      this.protocol = protocol;
      this.endpoints = endpoints;
    }

    /**
     * Who is asked before a key is looked up whether the request may be carried out.
     *
     * @param authorizer {@link ExchangeAuthorizer#none()} by default
     * @return this
     */
    public Builder authorizer(ExchangeAuthorizer authorizer) {
      this.authorizer = authorizer;
      return this;
    }

    /**
     * Who sends a request.
     *
     * @param callers the principals of the exchanges by default
     * @return this
     */
    public Builder callers(ExchangeCallerResolver callers) {
      this.callers = callers;
      return this;
    }

    /**
     * What reads the forms and multipart bodies of requests.
     *
     * @param codecs those of the application; the usual ones by default
     * @return this
     */
    public Builder codecs(ServerCodecConfigurer codecs) {
      this.codecs = codecs;
      return this;
    }

    /**
     * What turns errors into responses, so that they are kept as they are sent.
     *
     * @param errorHandlers those of the application, in their order; none by default
     * @return this
     */
    public Builder errorHandlers(List<WebExceptionHandler> errorHandlers) {
      this.errorHandlers = List.copyOf(errorHandlers);
      return this;
    }

    /**
     * Where the filter stands among others.
     *
     * @param order {@link Ordered#LOWEST_PRECEDENCE} by default
     * @return this
     */
    public Builder order(int order) {
      this.order = order;
      return this;
    }

    /**
     * Where a request goes on that has waited for its store or for another request.
     *
     * @param scheduler {@link Schedulers#parallel()} by default
     * @return this
     */
    public Builder scheduler(Scheduler scheduler) {
      this.scheduler = scheduler;
      return this;
    }

    /**
     * Makes the filter.
     *
     * @return the filter
     */
    public IdempotencyWebFilter build() {
      return new IdempotencyWebFilter(this);
    }
  }
}
