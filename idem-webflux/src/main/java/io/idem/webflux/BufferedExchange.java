package io.idem.webflux;

import java.time.Instant;
import org.jspecify.annotations.Nullable;
import org.springframework.context.i18n.LocaleContext;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.codec.multipart.Part;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import org.springframework.web.server.adapter.DefaultServerWebExchange;
import org.springframework.web.server.i18n.AcceptHeaderLocaleContextResolver;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * An exchange whose body was read and can still be read. Its response may be another.
 *
 * <p>What an exchange makes of its own request and response, a decorated one makes of the request
 * and the response around it: forms, parts and conditions come from an exchange of the buffered
 * request, everything else from the one around.
 */
final class BufferedExchange extends ServerWebExchangeDecorator {

  private final DefaultServerWebExchange own;
  private final @Nullable LocaleContext locale;
  private final boolean empty;

  /** The request is that of the exchange, or a snapshot of it; so is the locale, if it is known. */
  BufferedExchange(
      ServerWebExchange exchange,
      ServerHttpRequest request,
      @Nullable LocaleContext locale,
      byte[] body,
      ServerHttpResponse response,
      ServerCodecConfigurer codecs) {
    super(exchange);
    this.own =
        new DefaultServerWebExchange(
            new BufferedRequest(request, body, response.bufferFactory()),
            response,
            unused -> exchange.getSession(),
            codecs,
            new AcceptHeaderLocaleContextResolver());
    this.locale = locale;
    this.empty = body.length == 0;
  }

  /** Whether the body of a request is of a media type, if its type can be read at all. */
  static boolean isOf(ServerHttpRequest request, MediaType mediaType) {
    try {
      MediaType type = request.getHeaders().getContentType();
      return type != null && mediaType.isCompatibleWith(type);
    } catch (InvalidMediaTypeException e) {
      return false;
    }
  }

  @Override
  public ServerHttpRequest getRequest() {
    return own.getRequest();
  }

  @Override
  public ServerHttpResponse getResponse() {
    return own.getResponse();
  }

  @Override
  public LocaleContext getLocaleContext() {
    return locale == null ? own.getLocaleContext() : locale;
  }

  /**
   * Nothing was left of a form that a filter before has had taken apart. Where nobody has, the form
   * is empty, and a servlet container fails whoever reads it once more.
   */
  @Override
  public Mono<MultiValueMap<String, String>> getFormData() {
    return empty
        ? super.getFormData()
            .onErrorResume(IllegalStateException.class, readAgain -> own.getFormData())
        : own.getFormData();
  }

  @Override
  public Mono<MultiValueMap<String, Part>> getMultipartData() {
    return own.getMultipartData();
  }

  /** Deletes what the parts have left on disk. */
  @Override
  public Mono<Void> cleanupMultipart() {
    return own.cleanupMultipart();
  }

  @Override
  public boolean isNotModified() {
    return own.isNotModified();
  }

  @Override
  public boolean checkNotModified(Instant lastModified) {
    return own.checkNotModified(lastModified);
  }

  @Override
  public boolean checkNotModified(String etag) {
    return own.checkNotModified(etag);
  }

  @Override
  public boolean checkNotModified(@Nullable String etag, Instant lastModified) {
    return own.checkNotModified(etag, lastModified);
  }

  /** Says nothing of the request. */
  @Override
  public String toString() {
    return "BufferedExchange[]";
  }

  private static final class BufferedRequest extends ServerHttpRequestDecorator {

    private final byte[] body;
    private final DataBufferFactory buffers;

    BufferedRequest(ServerHttpRequest request, byte[] body, DataBufferFactory buffers) {
      super(request);
      this.body = body;
      this.buffers = buffers;
    }

    @Override
    public Flux<DataBuffer> getBody() {
      return body.length == 0 ? Flux.empty() : Flux.defer(() -> Flux.just(buffers.wrap(body)));
    }

    @Override
    public String toString() {
      return "BufferedRequest[" + body.length + " bytes]";
    }
  }
}
