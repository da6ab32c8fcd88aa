package io.idem.webflux;

import io.idem.http.HandlerResponse;
import io.idem.http.HeaderField;
import io.idem.http.SpillingBuffer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.reactivestreams.Publisher;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.AbstractServerHttpResponse;
import org.springframework.http.server.reactive.ServerHttpResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * A response of which nothing reaches the client until it is {@linkplain #deliver() delivered}.
 *
 * <p>It begins with the headers that the one around it had when the request came by, and leaves
 * that one alone. It is committed as a server's own is: what was to be done {@linkplain
 * #beforeCommit before that} is done, and its head changes no more. Of the body, what exceeds the
 * memory that it may take goes to a temporary file, on threads that may block.
 */
final class CapturedServerResponse extends AbstractServerHttpResponse {

  private static final int CHUNK = 8192;

  private final ServerHttpResponse response;
  private final SpillingBuffer buffer;

  /** Takes over the headers of the head as they are. */
  CapturedServerResponse(
      ServerHttpResponse response, ResponseHead head, int mostInMemory, long most) {
    super(response.bufferFactory(), head.headers());
    this.response = response;
    this.buffer = new SpillingBuffer(mostInMemory, most);
    setStatusCode(head.status());
    head.cookies().values().forEach(lines -> lines.forEach(this::addCookie));
  }

  /** What the handler responded. Fails if a part of it could not be held back. */
  HandlerResponse captured(HandlerResponse.Directive directive) throws IOException {
    buffer.checkWhole();
    List<HeaderField> headers = new ArrayList<>();
    getHeaders().forEach((name, lines) -> lines.forEach(line -> headers.add(fieldOf(name, line))));
    return new HandlerResponse(
        status(),
        headers,
        buffer.isSpilled()
            ? new HandlerResponse.TooLarge()
            : new HandlerResponse.Body(buffer.toByteArray()),
        directive);
  }

  /** What a server would refuse to send is refused while the outcome can still say so. */
  private static HeaderField fieldOf(String name, String line) {
    if (line.indexOf('\r') >= 0 || line.indexOf('\n') >= 0 || line.indexOf('\0') >= 0) {
      throw new IllegalStateException(
          "The header " + name + " of a response has a line break or a NUL in its value");
    }
    return new HeaderField(name, line);
  }

  int status() {
    return getStatusCode() == null ? 200 : getStatusCode().value();
  }

  /** Makes the response around this one what the handler responded, apart from the body. */
  void applyHead() {
    response.setStatusCode(getStatusCode());
    HttpHeaders headers = response.getHeaders();
    headers.clear();
    getHeaders().forEach((name, lines) -> headers.addAll(name, lines));
    headers.remove(HttpHeaders.CONTENT_LENGTH);
    if (buffer.size() > 0 || ResponseWriter.mayHaveBody(status())) {
      headers.setContentLength(buffer.size());
    }
    response.getCookies().clear();
    getCookies().values().forEach(lines -> lines.forEach(response::addCookie));
  }

  /** Sends the body that the handler responded with. */
  Mono<Void> deliver() {
    if (buffer.size() == 0) {
      return response.setComplete();
    }
    if (!buffer.isSpilled()) {
      return response.writeWith(
          Mono.fromSupplier(() -> response.bufferFactory().wrap(buffer.toByteArray())));
    }
    return response.writeWith(
        DataBufferUtils.readInputStream(buffer::toInputStream, response.bufferFactory(), CHUNK)
            .subscribeOn(Schedulers.boundedElastic()));
  }

  /** Forgets the body. */
  Mono<Void> discard() {
    if (!buffer.isSpilled()) {
      return Mono.empty();
    }
    return Mono.<Void>fromCallable(
            () -> {
              buffer.clear();
              return null;
            })
        .subscribeOn(Schedulers.boundedElastic());
  }

  // ---- the response

  /** Code that looks for the server's own response, to write past this one, gets nowhere. */
  @Override
  @SuppressWarnings("TypeParameterUnusedInFormals") // as Spring declares it
  public <T> T getNativeResponse() {
    throw new IllegalStateException(
        "The response of an idempotent endpoint is held back until it is recorded: the server's own"
            + " cannot be written to");
  }

  @Override
  protected Mono<Void> writeWithInternal(Publisher<? extends DataBuffer> body) {
    return Flux.from(body)
        .concatMap(this::take)
        .doOnDiscard(DataBuffer.class, DataBufferUtils::release)
        .then();
  }

  @Override
  protected Mono<Void> writeAndFlushWithInternal(
      Publisher<? extends Publisher<? extends DataBuffer>> body) {
    return Flux.from(body).concatMap(this::writeWithInternal).then();
  }

  private Mono<Void> take(DataBuffer data) {
    Mono<Void> taken =
        Mono.fromCallable(
            () -> {
              write(data);
              return null;
            });
    return buffer.wouldSpill(data.readableByteCount())
        ? taken.subscribeOn(Schedulers.boundedElastic())
        : taken;
  }

  private void write(DataBuffer data) throws IOException {
    try {
      byte[] bytes = new byte[data.readableByteCount()];
      data.read(bytes);
      buffer.write(bytes);
    } finally {
      DataBufferUtils.release(data);
    }
  }

  @Override
  protected void applyStatusCode() {
    // applied when it is delivered
  }

  @Override
  protected void applyHeaders() {
    // as above
  }

  @Override
  protected void applyCookies() {
    // as above
  }
}
