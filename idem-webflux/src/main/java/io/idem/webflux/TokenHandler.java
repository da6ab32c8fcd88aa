package io.idem.webflux;

import io.idem.http.StoredResponse;
import io.idem.http.TokenIssuer;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.http.HttpMethod;
import org.springframework.http.HttpStatus;
import org.springframework.web.reactive.function.server.HandlerFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import org.springframework.web.server.ServerWebExchange;
import reactor.core.publisher.Mono;

/**
 * Issues operation tokens to clients that ask for them: {@code POST …?operation=orders.create}, or
 * with the parameter in a form. Every other method is answered 405.
 *
 * <p>It belongs behind authentication, and behind whatever guards the application's forms against
 * cross-site requests. Thread-safe.
 */
public final class TokenHandler implements HandlerFunction<ServerResponse> {

  private static final String OPERATION = "operation";

  private final TokenIssuer issuer;
  private final ExchangeCallerResolver callers;

  /**
   * A handler.
   *
   * @param issuer issues the tokens
   * @param callers who asks; the same as for the filter
   */
  public TokenHandler(TokenIssuer issuer, ExchangeCallerResolver callers) {
    this.issuer = issuer;
    this.callers = callers;
  }

  @Override
  public Mono<ServerResponse> handle(ServerRequest request) {
    if (!request.method().equals(HttpMethod.POST)) {
      return ServerResponse.status(HttpStatus.METHOD_NOT_ALLOWED).allow(HttpMethod.POST).build();
    }
    ServerWebExchange exchange = request.exchange();
    return callers
        .resolve(exchange)
        .map(Optional::of)
        .defaultIfEmpty(Optional.empty())
        .flatMap(
            caller ->
                operationOf(exchange)
                    .map(Optional::of)
                    .defaultIfEmpty(Optional.empty())
                    .flatMap(
                        operation ->
                            answer(exchange, caller.orElse(null), operation.orElse(null))));
  }

  private static Mono<String> operationOf(ServerWebExchange exchange) {
    String named = exchange.getRequest().getQueryParams().getFirst(OPERATION);
    return named != null
        ? Mono.just(named)
        : exchange
            .getFormData()
            .mapNotNull(form -> form.getFirst(OPERATION))
            .onErrorResume(TokenHandler::isNoForm, e -> Mono.empty());
  }

  /** Whether what was sent is longer than any name of an operation, or badly escaped. */
  private static boolean isNoForm(Throwable thrown) {
    return thrown instanceof DataBufferLimitException || thrown instanceof IllegalArgumentException;
  }

  private Mono<ServerResponse> answer(
      ServerWebExchange exchange, @Nullable String caller, @Nullable String operation) {
    StoredResponse answer = issuer.answer(new ExchangeHead(exchange, caller), operation);
    return ServerResponse.status(answer.status())
        .headers(
            headers ->
                answer.headers().forEach(header -> headers.set(header.name(), header.value())))
        .bodyValue(answer.body());
  }
}
