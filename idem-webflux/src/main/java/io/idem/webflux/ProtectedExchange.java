package io.idem.webflux;

import io.idem.core.Attempt;
import io.idem.http.AsyncHttpExchange;
import io.idem.http.AsyncHttpHandler;
import io.idem.http.HandlerResponse;
import io.idem.http.HttpEndpoint;
import io.idem.http.RequestBody;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.i18n.LocaleContext;
import org.springframework.core.codec.DecodingException;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.codec.multipart.FilePart;
import org.springframework.http.codec.multipart.FormFieldPart;
import org.springframework.http.codec.multipart.Part;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilterChain;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.util.context.Context;
import reactor.util.context.ContextView;

/** One request on its way through the filter, and its response. */
final class ProtectedExchange extends ExchangeHead implements AsyncHttpExchange, AsyncHttpHandler {

  private static final Logger log = LoggerFactory.getLogger("io.idem.webflux");
  private static final byte[] NOTHING = {};

  /** Nothing either, because a filter in front has read it. */
  private static final byte[] READ_BEFORE = {};

  private final IdempotencyWebFilter filter;
  private final HttpEndpoint endpoint;
  private final WebFilterChain chain;
  private final ContextView context;
  private final @Nullable LocaleContext locale;
  private final ResponseHead responseHead;
  private final Thread begun = Thread.currentThread();
  private volatile byte @Nullable [] body;
  private volatile @Nullable CapturedServerResponse captured;

  /** What is subscribed to on behalf of the request is given its context. */
  ProtectedExchange(
      IdempotencyWebFilter filter,
      ServerWebExchange exchange,
      HttpEndpoint endpoint,
      @Nullable String caller,
      WebFilterChain chain,
      ContextView context) {
    super(exchange, new RequestSnapshot(exchange.getRequest()), caller);
    this.locale = localeOf(exchange);
    this.responseHead = ResponseHead.of(exchange.getResponse());
    this.filter = filter;
    this.endpoint = endpoint;
    this.chain = chain;
    this.context = context;
  }

  /** Null where it cannot be told: who asks for it in the run is told so, as without protection. */
  private static @Nullable LocaleContext localeOf(ServerWebExchange exchange) {
    try {
      return exchange.getLocaleContext();
    } catch (RuntimeException e) {
      return null;
    }
  }

  // ---- the request

  /** Has the rest of the chain carry the request out as it came. */
  Mono<Void> passOn() {
    return withBody(chain::filter);
  }

  /** What is made of the exchange with its body, if it was read, still to be read. */
  private <T> Mono<T> withBody(Function<ServerWebExchange, Mono<T>> use) {
    return Mono.usingWhen(
        Mono.fromSupplier(this::readAgain),
        use,
        // The server sees to what its own exchange leaves behind.
        again -> again == exchange ? Mono.empty() : again.cleanupMultipart());
  }

  private ServerWebExchange readAgain() {
    byte[] read = body;
    return read == null ? exchange : buffered(read, exchange.getResponse());
  }

  private BufferedExchange buffered(byte[] content, ServerHttpResponse response) {
    return new BufferedExchange(exchange, request, locale, content, response, filter.codecs());
  }

  @Override
  public CompletionStage<RequestBody> body(int maxBytes) {
    if (request.getHeaders().getContentLength() > maxBytes) {
      return Mono.<RequestBody>just(new RequestBody.TooLarge()).toFuture();
    }
    return DataBufferUtils.join(request.getBody(), maxBytes)
        .map(ProtectedExchange::bytesOf)
        .defaultIfEmpty(NOTHING)
        .onErrorResume(ProtectedExchange::mayBeRead, this::readBefore)
        .flatMap(this::understand)
        .onErrorResume(DataBufferLimitException.class, e -> Mono.just(new RequestBody.TooLarge()))
        .contextWrite(context)
        .toFuture();
  }

  /** Whether a failure may say that somebody has read the body before. */
  private static boolean mayBeRead(Throwable failure) {
    return failure instanceof IllegalStateException
        && !(failure instanceof DataBufferLimitException);
  }

  /**
   * Nothing is left of a body that a filter in front has read; a servlet container's says so by
   * failing. What was a form is taken from there.
   */
  private Mono<byte[]> readBefore(Throwable failure) {
    if (BufferedExchange.isOf(request, MediaType.APPLICATION_FORM_URLENCODED)) {
      return Mono.just(READ_BEFORE);
    }
    warnOfConsumedParts();
    return Mono.error(failure);
  }

  /** Once: whoever sends requests can send many that have no parts. */
  private void warnOfConsumedParts() {
    if (request.getHeaders().getContentLength() != 0
        && BufferedExchange.isOf(request, MediaType.MULTIPART_FORM_DATA)
        && filter.isFirstWithoutParts(endpoint)) {
      log.warn(
          "The parts of a request of {} cannot be read: has a filter in front of the idempotency"
              + " filter read them? It must not",
          endpoint);
    }
  }

  private Mono<RequestBody> understand(byte[] content) {
    body = content;
    if (BufferedExchange.isOf(request, MediaType.MULTIPART_FORM_DATA)) {
      if (content.length == 0) {
        warnOfConsumedParts();
      }
      return takeApart(buffered(content, exchange.getResponse()));
    }
    if (content.length == 0
        && BufferedExchange.isOf(request, MediaType.APPLICATION_FORM_URLENCODED)) {
      return formOf(content).map(RequestBody.Form::new);
    }
    return Mono.just(new RequestBody.Bytes(content));
  }

  private Mono<MultiValueMap<String, String>> formOf(byte[] content) {
    return content == READ_BEFORE
        ? exchange.getFormData()
        : buffered(content, exchange.getResponse()).getFormData();
  }

  private static Mono<RequestBody> takeApart(BufferedExchange exchange) {
    return Mono.usingWhen(
            Mono.just(exchange), ProtectedExchange::readParts, BufferedExchange::cleanupMultipart)
        .onErrorResume(ProtectedExchange::isMalformed, e -> Mono.just(new RequestBody.Malformed()));
  }

  private static Mono<RequestBody> readParts(BufferedExchange exchange) {
    return exchange
        .getMultipartData()
        .flatMapMany(parts -> Flux.fromIterable(parts.values()).flatMapIterable(same -> same))
        .concatMap(part -> contentOf(part).map(content -> partOf(part, content)))
        .collectList()
        .zipWith(exchange.getMultipartData().map(ProtectedExchange::fieldsOf))
        .map(read -> new RequestBody.Multipart(read.getT1(), read.getT2()));
  }

  /**
   * Whether bytes that are all there are no parts: besides its own two, Spring's parser has the
   * exceptions of whatever it reads a part's header lines with.
   */
  private static boolean isMalformed(Throwable thrown) {
    return thrown instanceof DecodingException
        || thrown instanceof DataBufferLimitException
        || thrown instanceof IllegalStateException
        || thrown instanceof IllegalArgumentException
        || thrown instanceof IndexOutOfBoundsException;
  }

  private static Mono<byte[]> contentOf(Part part) {
    return DataBufferUtils.join(part.content())
        .map(ProtectedExchange::bytesOf)
        .defaultIfEmpty(NOTHING);
  }

  private static RequestBody.Part partOf(Part part, byte[] content) {
    try {
      return RequestBody.Part.of(
          part.name(),
          part instanceof FilePart file ? file.filename() : null,
          part.headers().getFirst(HttpHeaders.CONTENT_TYPE),
          new ByteArrayInputStream(content));
    } catch (IOException e) {
      throw new IllegalStateException("Bytes in memory cannot be read", e);
    }
  }

  private static Map<String, List<String>> fieldsOf(Map<String, List<Part>> parts) {
    Map<String, List<String>> fields = new LinkedHashMap<>();
    parts.forEach(
        (name, values) -> {
          for (Part part : values) {
            if (part instanceof FormFieldPart field) {
              fields.computeIfAbsent(name, unused -> new ArrayList<>()).add(field.value());
            }
          }
        });
    return fields;
  }

  private static byte[] bytesOf(DataBuffer data) {
    try {
      byte[] bytes = new byte[data.readableByteCount()];
      data.read(bytes);
      return bytes;
    } finally {
      DataBufferUtils.release(data);
    }
  }

  @Override
  public CompletionStage<@Nullable Void> authorize() {
    return withBody(again -> filter.authorizer().authorize(again, endpoint))
        .defaultIfEmpty(false)
        .<@Nullable Void>flatMap(
            mayGoOn -> mayGoOn ? Mono.empty() : Mono.error(new RefusedByTheChain()))
        .contextWrite(context)
        .toFuture();
  }

  // ---- the handler

  @Override
  public CompletionStage<HandlerResponse> handle(Attempt attempt) {
    CapturedServerResponse capture =
        new CapturedServerResponse(
            exchange.getResponse(),
            responseHead,
            endpoint.maxStoredBytes(),
            endpoint.maxResponseBytes());
    captured = capture;
    byte[] read = body;
    BufferedExchange inside = buffered(read == null ? NOTHING : read, capture);
    IdempotentExchange.begin(exchange, endpoint, attempt);
    Mono<HandlerResponse> run =
        Mono.defer(() -> chain.filter(inside))
            .onErrorResume(thrown -> filter.errorHandlers().render(inside, capture, thrown))
            .then(Mono.defer(capture::setComplete))
            .then(Mono.fromCallable(() -> capture.captured(IdempotentExchange.end(exchange))))
            .onErrorResume(
                thrown -> {
                  IdempotentExchange.end(exchange);
                  return inside.cleanupMultipart().then(Mono.error(thrown));
                })
            .flatMap(response -> inside.cleanupMultipart().thenReturn(response))
            .contextWrite(contextOf(inside));
    CompletableFuture<HandlerResponse> carried = new CompletableFuture<>();
    if (Thread.currentThread() == begun) {
      start(run, carried);
    } else {
      // The thread that brings the answer of a store is not the handler's to use.
      filter.scheduler().schedule(() -> start(run, carried));
    }
    return carried;
  }

  /** Reactor throws what is fatal for a JVM, a missing class too, at whoever subscribes. */
  private void start(Mono<HandlerResponse> run, CompletableFuture<HandlerResponse> carried) {
    try {
      run.subscribe(carried::complete, carried::completeExceptionally);
    } catch (Throwable thrown) {
      IdempotentExchange.end(exchange);
      carried.completeExceptionally(thrown);
    }
  }

  /**
   * The context of the request, but what it says of the exchange (Spring Security's entry, and that
   * of {@code ServerWebExchangeContextFilter}) is the one whose response is held back.
   */
  private Context contextOf(ServerWebExchange inside) {
    Context own = Context.of(context);
    for (Map.Entry<Object, Object> entry : context.stream().toList()) {
      if (entry.getValue() instanceof ServerWebExchange) {
        own = own.put(entry.getKey(), inside);
      }
    }
    return own;
  }

  // ---- the response

  /** What the handler responded, if it did. */
  @Nullable CapturedServerResponse captured() {
    return captured;
  }

  /** Deletes what the capture has left on disk. */
  Mono<Void> end() {
    CapturedServerResponse capture = captured;
    return capture == null ? Mono.empty() : capture.discard();
  }

  /** The request is left to the rest of the chain, which refuses it. */
  static final class RefusedByTheChain extends RuntimeException {

    private static final long serialVersionUID = 1L;

    RefusedByTheChain() {
      super(null, null, false, false); // it goes from one method of this package to another
    }
  }
}
