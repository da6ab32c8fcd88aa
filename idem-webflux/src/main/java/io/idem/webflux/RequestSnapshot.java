package io.idem.webflux;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpCookie;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.SslInfo;
import org.springframework.util.CollectionUtils;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;

/**
 * A request whose head stays what it is. On a servlet container the headers that Spring shows are
 * the container's, which uses its request again: a run that goes on after the client has hung up
 * would read those of somebody else. The body is read from the request itself.
 */
final class RequestSnapshot extends ServerHttpRequestDecorator {

  private final HttpHeaders headers;
  private final MultiValueMap<String, HttpCookie> cookies;
  private final @Nullable InetSocketAddress localAddress;
  private final @Nullable InetSocketAddress remoteAddress;
  private final @Nullable SslInfo sslInfo;

  /** To be taken on the thread of the request, before anything is waited for. */
  RequestSnapshot(ServerHttpRequest request) {
    super(request);
    this.headers = HttpHeaders.readOnlyHttpHeaders(copyOf(request.getHeaders()));
    this.cookies =
        CollectionUtils.unmodifiableMultiValueMap(
            new LinkedMultiValueMap<>(request.getCookies()).deepCopy());
    this.localAddress = request.getLocalAddress();
    this.remoteAddress = request.getRemoteAddress();
    this.sslInfo = request.getSslInfo();
  }

  /** A copy that has nothing in common with the headers. */
  static HttpHeaders copyOf(HttpHeaders headers) {
    HttpHeaders copy = new HttpHeaders();
    headers.forEach((name, lines) -> copy.addAll(name, lines));
    return copy;
  }

  @Override
  public HttpHeaders getHeaders() {
    return headers;
  }

  @Override
  public MultiValueMap<String, HttpCookie> getCookies() {
    return cookies;
  }

  @Override
  public @Nullable InetSocketAddress getLocalAddress() {
    return localAddress;
  }

  @Override
  public @Nullable InetSocketAddress getRemoteAddress() {
    return remoteAddress;
  }

  @Override
  public @Nullable SslInfo getSslInfo() {
    return sslInfo;
  }

  /** Says nothing of the request. */
  @Override
  public String toString() {
    return "RequestSnapshot[]";
  }
}
