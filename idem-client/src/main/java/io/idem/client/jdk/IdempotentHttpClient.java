package io.idem.client.jdk;

import io.idem.client.CallAnswer;
import io.idem.client.CallExchange;
import io.idem.client.CallOutcomeUnknownException;
import io.idem.client.CallRun;
import io.idem.client.IdempotentCalls;
import io.idem.client.OutgoingCall;
import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import java.io.InputStream;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandler;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Sends requests by an {@link HttpClient}, under a key.
 *
 * <p>An attempt gets what is left of the call's total time, or the request's own timeout if that is
 * longer; what the {@link BodyHandler} waits for is a part of it. A request without a timeout of
 * its own has what is left for one. Its body is sent again if its length is known, as that of a
 * text, of bytes and of a file is; a body of unknown length, such as a stream, is sent once. The
 * errors' bodies are read whole before they are handed to the {@link BodyHandler}; one of more than
 * 16 MiB is no answer. Redirects are the client's: what it follows has the key as well. An error
 * that one led to by another method, as from a {@code POST} to a {@code GET}, is no answer to the
 * call. Thread-safe.
 */
public final class IdempotentHttpClient {

  private final HttpClient client;
  private final IdempotentCalls calls;

  /**
   * Calls another system.
   *
   * @param client sends the requests; stays the caller's
   * @param calls how the system is called
   */
  public IdempotentHttpClient(HttpClient client, IdempotentCalls calls) {
    this.client = client;
    this.calls = calls;
  }

  /**
   * Makes a call.
   *
   * @param call the call
   * @param request its request
   * @param handler reads the body of its response
   * @param <T> what the body becomes
   * @return the response, which is not one that leaves the outcome open
   * @throws CallOutcomeUnknownException if it is not known whether the call was carried out, also
   *     because the thread was interrupted, which it then still is
   * @throws IOException what the last attempt failed with, if nothing can have been carried out
   */
  public <T> HttpResponse<T> send(OutgoingCall call, HttpRequest request, BodyHandler<T> handler)
      throws IOException {
    return received(call, request, handler).response();
  }

  /**
   * Makes a call, and says what became of it.
   *
   * @param call the call
   * @param request its request
   * @param handler reads the body of its response
   * @param <T> what the body becomes
   * @return what became of it
   * @throws IOException what the last attempt failed with, if nothing can have been carried out
   */
  public <T> CallAnswer<HttpResponse<T>> call(
      OutgoingCall call, HttpRequest request, BodyHandler<T> handler) throws IOException {
    try {
      Received<T> received = received(call, request, handler);
      return calls.interpret(received.answer(), received.response());
    } catch (CallOutcomeUnknownException e) {
      return IdempotentCalls.<HttpResponse<T>>unknown(e).orElseThrow();
    }
  }

  private <T> Received<T> received(OutgoingCall call, HttpRequest request, BodyHandler<T> handler)
      throws IOException {
    boolean repeatable =
        request.bodyPublisher().map(body -> body.contentLength() >= 0).orElse(true);
    CallRun run = calls.begin(repeatable ? call : call.once());
    return run.execute(new Exchange<>(run, request, handler));
  }

  /** A response, and what it says. */
  private record Received<T>(HttpResponse<T> response, ReceivedAnswer answer) {}

  private final class Exchange<T> implements CallExchange<Received<T>> {

    /** More is too much for sums. */
    private static final Duration MOST = Duration.ofDays(365);

    private final CallRun run;
    private final HttpRequest request;
    private final BodyHandler<T> handler;

    Exchange(CallRun run, HttpRequest request, BodyHandler<T> handler) {
      this.run = run;
      this.request = request;
      this.handler = handler;
    }

    @Override
    public Received<T> send() throws IOException, InterruptedException {
      HttpRequest.Builder keyed = HttpRequest.newBuilder(request, (name, value) -> true);
      run.headers().forEach(keyed::setHeader);
      Duration left = run.remaining();
      Duration own = request.timeout().orElse(left);
      keyed.timeout(own);
      Duration most = own.compareTo(left) > 0 ? own : left;
      ErrorBody<T> body = new ErrorBody<>(handler, most.compareTo(MOST) > 0 ? MOST : most);
      // Not sendAsync: it needs threads of the common pool, which may be busy, and tells no
      // interrupt.
      HttpResponse<T> response = client.send(keyed.build(), body);
      if (response.statusCode() >= 400 && !response.request().method().equals(request.method())) {
        close(response.body());
        throw new IOException(
            "The call was answered with a redirect, and what that leads to has status "
                + response.statusCode()
                + ", which tells nothing of the call");
      }
      return new Received<>(response, body.answer(response));
    }

    @Override
    public ReceivedAnswer read(Received<T> received) {
      return received.answer();
    }

    @Override
    public void discard(Received<T> received) {
      // An error has been read whole; what its handler made of it may want to be closed.
      close(received.response().body());
    }

    private void close(@Nullable Object body) {
      if (body instanceof InputStream stream) {
        try {
          stream.close();
        } catch (IOException e) {
          // Nobody reads it any more.
        }
      }
    }
  }
}
