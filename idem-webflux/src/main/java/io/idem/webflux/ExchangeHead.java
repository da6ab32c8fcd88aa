package io.idem.webflux;

import io.idem.http.HttpRequestHead;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.web.reactive.HandlerMapping;
import org.springframework.web.server.ServerWebExchange;

/** What an exchange says before its body is read. */
class ExchangeHead implements HttpRequestHead {

  final ServerWebExchange exchange;
  final ServerHttpRequest request;
  private final @Nullable String caller;

  /** The caller has been found out before, because that may take its time. */
  ExchangeHead(ServerWebExchange exchange, @Nullable String caller) {
    this(exchange, exchange.getRequest(), caller);
  }

  /** The request of the exchange is another. */
  ExchangeHead(ServerWebExchange exchange, ServerHttpRequest request, @Nullable String caller) {
    this.exchange = exchange;
    this.request = request;
    this.caller = caller;
  }

  @Override
  public final String method() {
    return request.getMethod().name();
  }

  @Override
  public final String path() {
    String path = request.getURI().getRawPath();
    return path == null ? "" : path;
  }

  @Override
  public final @Nullable String query() {
    return request.getURI().getRawQuery();
  }

  @Override
  public final List<String> headerLines(String name) {
    return request.getHeaders().getOrEmpty(name);
  }

  @Override
  public final @Nullable String caller() {
    return caller;
  }

  @Override
  public final @Nullable String pathVariable(String name) {
    return exchange.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE)
            instanceof Map<?, ?> variables
        ? (String) variables.get(name)
        : null;
  }

  @Override
  public final String contextPath() {
    return request.getPath().contextPath().value();
  }
}
