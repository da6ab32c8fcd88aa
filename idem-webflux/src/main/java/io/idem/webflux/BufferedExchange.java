package io.idem.webflux;

import java.util.Collection;
import java.util.Map;
import org.springframework.core.ResolvableType;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferFactory;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import org.springframework.http.codec.HttpMessageReader;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.codec.multipart.Part;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.http.server.reactive.ServerHttpRequestDecorator;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.ServerWebExchangeDecorator;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * An exchange whose body was read and can still be read, also as a form or in parts, which the
 * exchange around it would take from its own body. Its response may be another.
 */
final class BufferedExchange extends ServerWebExchangeDecorator {

  private static final ResolvableType FORM =
      ResolvableType.forClassWithGenerics(MultiValueMap.class, String.class, String.class);
  private static final ResolvableType PARTS =
      ResolvableType.forClassWithGenerics(MultiValueMap.class, String.class, Part.class);

  private final ServerHttpRequest request;
  private final ServerHttpResponse response;
  private final Mono<MultiValueMap<String, String>> form;
  private final Mono<MultiValueMap<String, Part>> parts;
  private volatile boolean takenApart;

  BufferedExchange(
      ServerWebExchange exchange,
      byte[] body,
      ServerHttpResponse response,
      ServerCodecConfigurer codecs) {
    super(exchange);
    this.request = new BufferedRequest(exchange.getRequest(), body, response.bufferFactory());
    this.response = response;
    // Nothing was left of a form that a filter before has had taken apart.
    this.form =
        body.length == 0
            ? exchange.getFormData()
            : read(codecs, FORM, MediaType.APPLICATION_FORM_URLENCODED);
    this.parts =
        this.<Part>read(codecs, PARTS, MediaType.MULTIPART_FORM_DATA)
            .doOnSubscribe(subscription -> takenApart = true)
            .cache();
  }

  @SuppressWarnings("unchecked") // the type is what the reader is asked for
  private <T> Mono<MultiValueMap<String, T>> read(
      ServerCodecConfigurer codecs, ResolvableType type, MediaType mediaType) {
    if (!isOf(request, mediaType)) {
      return Mono.just(new LinkedMultiValueMap<>());
    }
    for (HttpMessageReader<?> reader : codecs.getReaders()) {
      if (reader.canRead(type, mediaType)) {
        return ((HttpMessageReader<MultiValueMap<String, T>>) reader)
            .readMono(type, request, Map.of())
            .switchIfEmpty(Mono.just(new LinkedMultiValueMap<>()))
            .cache();
      }
    }
    return Mono.error(new IllegalStateException("There is no reader of " + mediaType));
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
    return request;
  }

  @Override
  public ServerHttpResponse getResponse() {
    return response;
  }

  @Override
  public Mono<MultiValueMap<String, String>> getFormData() {
    return form;
  }

  @Override
  public Mono<MultiValueMap<String, Part>> getMultipartData() {
    return parts;
  }

  /** Deletes what the parts have left on disk. */
  @Override
  public Mono<Void> cleanupMultipart() {
    return takenApart
        ? parts
            .onErrorComplete()
            .flatMapIterable(MultiValueMap::values)
            .flatMapIterable((Collection<Part> same) -> same)
            .flatMap(part -> part.delete().onErrorComplete())
            .then()
        : Mono.empty();
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

  /** Says nothing of the request. */
  @Override
  public String toString() {
    return "BufferedExchange[]";
  }
}
