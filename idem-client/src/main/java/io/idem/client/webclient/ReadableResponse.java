package io.idem.client.webclient;

import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBufferLimitException;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.web.reactive.function.client.ClientResponse;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * A response, and what it says.
 *
 * @param response its body is still to be read
 * @param answer what it says
 * @param isRead whether the connection has been read to the end of it
 */
record ReadableResponse(ClientResponse response, ReceivedAnswer answer, boolean isRead) {

  static Mono<ReadableResponse> of(ClientResponse response) {
    if (!ReceivedAnswer.wantsBody(response.statusCode().value())) {
      return Mono.just(new ReadableResponse(response, answer(response, null), false));
    }
    return response
        .bodyToMono(byte[].class)
        .defaultIfEmpty(new byte[0])
        .map(
            body ->
                new ReadableResponse(
                    response
                        .mutate()
                        .body(read -> Flux.just(DefaultDataBufferFactory.sharedInstance.wrap(body)))
                        .build(),
                    answer(response, body),
                    true))
        .onErrorResume(failure -> unread(response, failure));
  }

  /**
   * An error whose body is longer than the client's codecs take says what its status does, and the
   * body is refused to whoever reads it. One that breaks off is no answer.
   */
  private static Mono<ReadableResponse> unread(ClientResponse response, Throwable failure) {
    if (failure instanceof DataBufferLimitException
        || failure.getCause() instanceof DataBufferLimitException) {
      return Mono.just(
          new ReadableResponse(
              response.mutate().body(read -> Flux.error(failure)).build(),
              answer(response, null),
              true));
    }
    return Mono.error(new IOException("The body of an error broke off", failure));
  }

  private static ReceivedAnswer answer(ClientResponse response, byte @Nullable [] body) {
    return ReceivedAnswer.of(
        response.statusCode().value(), response.headers().asHttpHeaders()::getFirst, body);
  }

  /** Frees the connection where nobody will read the response. */
  Mono<Void> release() {
    return isRead ? Mono.empty() : response.releaseBody().onErrorComplete();
  }
}
