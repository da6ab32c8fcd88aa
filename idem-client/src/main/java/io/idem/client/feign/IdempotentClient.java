package io.idem.client.feign;

import feign.Client;
import feign.FeignException;
import feign.Request;
import feign.Response;
import feign.TypedResponse;
import io.idem.client.CallAnswer;
import io.idem.client.CallExchange;
import io.idem.client.CallOutcomeUnknownException;
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
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sends the requests of an OpenFeign interface under their keys.
 *
 * <p>A request is a call if it has the key's header: by {@code @Headers("Idempotency-Key: {key}")},
 * a {@code @RequestHeader}, or a {@code @HeaderMap} with {@link #headers}, which also carries what
 * is known of earlier attempts. All others pass through untouched. Where the outcome is unknown, an
 * {@link UncheckedIOException} is thrown whose cause is {@link CallOutcomeUnknownException}:
 * Feign's own {@code Retryer}, which takes any {@code IOException} for a reason to send again, does
 * not see it. Use {@code Retryer.NEVER_RETRY} beside it, so that an error that has a {@code
 * Retry-After} is not repeated twice over. Thread-safe if the client is.
 *
 * <p>Feign's default client sends a request that has no body again by itself when its connection
 * breaks, which is not seen here: a refusal of the second may be taken for one of the first. Give
 * another client to an interface that has such methods.
 */
public final class IdempotentClient implements Client {

  /** Carries what is known of a call through Feign's templates, and no further. */
  private static final String KNOWN = "Idem-Outgoing-Call";

  private static final String BEFORE = "b";
  private static final String ONCE = "o";
  private static final byte[] NONE = {};

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
   *     {@link TypedResponse} a repeat can be told from a first run. A response that is no success
   *     is read and closed
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
      byte[] body = e.responseBody().map(IdempotentClient::bytes).orElse(NONE);
      return calls.interpretRefusal(
          ReceivedAnswer.of(e.status(), name -> first(e.responseHeaders(), name), body));
    } catch (UncheckedIOException e) {
      return IdempotentCalls.<T>unknown(e).orElseThrow(() -> e);
    }
  }

  /**
   * The headers of a call, for a parameter with {@code @HeaderMap}.
   *
   * @param call the call
   * @return values by name; one of them is for this client alone, and is not sent
   */
  public Map<String, String> headers(OutgoingCall call) {
    Map<String, String> headers = new HashMap<>(calls.headers(call));
    String known = (call.sentBefore() ? BEFORE : "") + (call.sentOnce() ? ONCE : "");
    headers.put(KNOWN, known.isEmpty() ? "-" : known);
    return headers;
  }

  @Override
  public Response execute(Request request, Request.Options options) throws IOException {
    String known = first(request.headers(), KNOWN);
    Optional<OutgoingCall> call = calls.callOf(name -> first(request.headers(), name));
    if (call.isEmpty()) {
      return client.execute(request, options);
    }
    try {
      if (known == null) {
        return execute(call.get(), request, options);
      }
      OutgoingCall told = known.contains(BEFORE) ? call.get().repeated() : call.get();
      return execute(known.contains(ONCE) ? told.once() : told, withoutKnown(request), options);
    } catch (CallOutcomeUnknownException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Response execute(OutgoingCall call, Request request, Request.Options options)
      throws IOException {
    return calls.resume(call).execute(new Exchange(request, options)).response();
  }

  private static Request withoutKnown(Request request) {
    Map<String, Collection<String>> headers = new LinkedHashMap<>(request.headers());
    headers.keySet().removeIf(KNOWN::equalsIgnoreCase);
    return Request.create(
        request.httpMethod(),
        request.url(),
        headers,
        request.body(),
        request.charset(),
        request.requestTemplate());
  }

  private static ReceivedAnswer answerOf(@Nullable Object result) {
    if (result instanceof Response response) {
      return read(response);
    } else if (result instanceof TypedResponse<?> response) {
      return ReceivedAnswer.of(response.status(), name -> first(response.headers(), name), null);
    }
    return ReceivedAnswer.of(200, name -> null, null);
  }

  /** An error is read here; nobody else will. */
  private static ReceivedAnswer read(Response response) {
    byte[] body = NONE;
    if (ReceivedAnswer.wantsBody(response.status()) && response.body() != null) {
      try (response) {
        body = response.body().asInputStream().readNBytes(ReceivedAnswer.MOST_BODY_BYTES);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return ReceivedAnswer.of(response.status(), name -> first(response.headers(), name), body);
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
      byte[] beginning = NONE;
      if (ReceivedAnswer.wantsBody(response.status()) && response.body() != null) {
        InputStream body;
        try {
          body = response.body().asInputStream();
          beginning = body.readNBytes(ReceivedAnswer.MOST_BODY_BYTES);
        } catch (IOException e) {
          response.close(); // nobody else has it
          throw e;
        }
        response =
            response.toBuilder()
                .body(
                    new SequenceInputStream(new ByteArrayInputStream(beginning), body),
                    response.body().length())
                .build();
      }
      Response read = response;
      return new Received(
          read, ReceivedAnswer.of(read.status(), name -> first(read.headers(), name), beginning));
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
