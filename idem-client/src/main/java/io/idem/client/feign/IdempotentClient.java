package io.idem.client.feign;

import feign.Client;
import feign.FeignException;
import feign.Request;
import feign.Response;
import feign.TypedResponse;
import io.idem.client.CallAnswer;
import io.idem.client.CallExchange;
import io.idem.client.CallOutcomeUnknownException;
import io.idem.client.CallRun;
import io.idem.client.IdempotentCalls;
import io.idem.client.OutgoingCall;
import io.idem.client.ReceivedAnswer;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends the requests of an OpenFeign interface under their keys.
 *
 * <p>A request is a call if it has the key's header: by {@code @Headers("Idempotency-Key: {key}")},
 * a {@code @RequestHeader}, or {@code @HeaderMap} with {@link IdempotentCalls#headers}. All others
 * pass through untouched. Where the outcome is unknown, an {@link UncheckedIOException} is thrown
 * whose cause is {@link CallOutcomeUnknownException}: Feign's own {@code Retryer}, which takes any
 * {@code IOException} for a reason to send again, does not see it. Use {@code
 * Retryer.NEVER_RETRY} beside it, so that an error that has a {@code Retry-After} is not repeated
 * twice over. Thread-safe if the client is.
 */
public final class IdempotentClient implements Client {

  private final Client client;
  private final IdempotentCalls calls;

  /**
   * A client for the interfaces of one system.
   *
   * @param client sends the requests
   * @param calls how the system is called
   */
  public IdempotentClient(Client client, IdempotentCalls calls) {
    this.client = client;
    this.calls = calls;
  }

  /**
   * Says what became of a call.
   *
   * @param request makes it, by a method of the interface. Only if that returns {@link Response} or
   *     {@link TypedResponse} a repeat can be told from a first run
   * @param <T> what the method returns
   * @return what became of it
   */
  public <T> CallAnswer<T> answer(Supplier<T> request) {
    try {
      T result = request.get();
      return calls.interpret(answerOf(result), result);
    } catch (FeignException e) {
      if (e.status() < 400) {
        throw e; // no response, or one that cannot be decoded
      }
      byte[] body = e.responseBody().map(IdempotentClient::bytes).orElse(null);
      return calls.interpretRefusal(
          ReceivedAnswer.of(e.status(), name -> first(e.responseHeaders(), name), body));
    } catch (UncheckedIOException e) {
      return IdempotentCalls.<T>unknown(e).orElseThrow(() -> e);
    }
  }

  @Override
  public Response execute(Request request, Request.Options options) throws IOException {
    Optional<CallRun> call = calls.begin(null, name -> first(request.headers(), name));
    if (call.isEmpty()) {
      return client.execute(request, options);
    }
    try {
      return call.get().execute(new Exchange(request, options)).response();
    } catch (CallOutcomeUnknownException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ReceivedAnswer answerOf(@Nullable Object result) {
    if (result instanceof Response response) {
      return ReceivedAnswer.of(response.status(), name -> first(response.headers(), name), null);
    } else if (result instanceof TypedResponse<?> response) {
      return ReceivedAnswer.of(response.status(), name -> first(response.headers(), name), null);
    }
    return ReceivedAnswer.of(200, name -> null, null);
  }

  private static byte[] bytes(ByteBuffer buffer) {
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }

  private static @Nullable String first(Map<String, Collection<String>> headers, String name) {
    return headers.entrySet().stream()
        .filter(header -> header.getKey().equalsIgnoreCase(name))
        .flatMap(header -> header.getValue().stream())
        .findFirst()
        .orElse(null);
  }

  /** A response that can be read from its beginning, and what it says. */
  private record Received(Response response, ReceivedAnswer answer) {}

  private final class Exchange implements CallExchange<Received> {

    private final Request request;
    private final Request.Options options;

    Exchange(Request request, Request.Options options) {
      this.request = request;
      this.options = options;
    }

    @Override
    public Received send() throws IOException {
      Response response = client.execute(request, options);
      byte[] beginning = null;
      if (ReceivedAnswer.wantsBody(response.status()) && response.body() != null) {
        InputStream body = response.body().asInputStream();
        beginning = body.readNBytes(ReceivedAnswer.MOST_BODY_BYTES);
        response =
            response.toBuilder()
                .body(
                    new SequenceInputStream(new ByteArrayInputStream(beginning), body),
                    response.body().length())
                .build();
      }
      Response read = response;
      return new Received(
          read,
          ReceivedAnswer.of(read.status(), name -> first(read.headers(), name), beginning));
    }

    @Override
    public ReceivedAnswer read(Received received) {
      return received.answer();
    }

    @Override
    public void discard(Received received) {
      received.response().close();
    }
  }
}
