package io.idem.client.okhttp;

import io.idem.client.CallAnswer;
import io.idem.client.CallExchange;
import io.idem.client.CallOutcomeUnknownException;
import io.idem.client.CallRun;
import io.idem.client.IdempotentCalls;
import io.idem.client.OutgoingCall;
import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.Interceptor;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;

/**
 * Sends the requests of an {@code OkHttpClient} under their keys. To be added by {@link #addTo}.
 *
 * <p>A request is a call if it is tagged with one ({@code tag(OutgoingCall.class, call)}), or has
 * the key's header. All others pass through untouched. A body that {@linkplain
 * RequestBody#isOneShot() says} that it can be sent once, or is a duplex body, is sent once. A call
 * that is cancelled, or reaches OkHttp's call timeout, is not sent again. An error that a redirect
 * led to by another method, as from a {@code POST} to a {@code GET}, is no answer to the call.
 * Where the outcome is unknown, the call fails with {@link CallOutcomeUnknownException}; after the
 * call timeout that is the cause of OkHttp's exception. Thread-safe.
 */
public final class IdempotentCallInterceptor implements Interceptor {

  private final IdempotentCalls calls;

  /**
   * An interceptor for the clients of one system.
   *
   * @param calls how the system is called
   */
  public IdempotentCallInterceptor(IdempotentCalls calls) {
    this.calls = calls;
  }

  /**
   * Adds the interceptor to a client, and has OkHttp itself no longer send requests again when a
   * connection fails: the interceptor does it, and OkHttp would hide that a request was sent before
   * the one that is answered. Also has it noted when a server is reached, should a redirect then
   * lead to one that is not.
   *
   * @param client the client
   * @return the same
   */
  public OkHttpClient.Builder addTo(OkHttpClient.Builder client) {
    return client
        .addInterceptor(this)
        .addNetworkInterceptor(IdempotentCallInterceptor::noteReached)
        .retryOnConnectionFailure(false);
  }

  /**
   * Makes a call, and says what became of it.
   *
   * @param call a call of a client with this interceptor
   * @return what became of it; a response in it is to be closed
   * @throws IOException what the last attempt failed with, if nothing can have been carried out
   */
  public CallAnswer<Response> answer(Call call) throws IOException {
    Response response;
    try {
      response = call.execute();
    } catch (IOException e) {
      // OkHttp wraps what ends with its call timeout.
      return IdempotentCalls.<Response>unknown(e).orElseThrow(() -> e);
    }
    CallAnswer<Response> answer = calls.interpret(read(response), response);
    if (!(answer instanceof CallAnswer.Ran || answer instanceof CallAnswer.Replayed)) {
      response.close();
    }
    return answer;
  }

  @Override
  public Response intercept(Chain chain) throws IOException {
    Request request = chain.request();
    Reached before = request.tag(Reached.class);
    if (before != null && before.call == chain.call()) {
      // The interceptor is there twice.
      return chain.proceed(request);
    }
    OutgoingCall named = request.tag(OutgoingCall.class);
    RequestBody body = request.body();
    boolean once = body != null && (body.isOneShot() || body.isDuplex());
    Optional<CallRun> call =
        named != null
            ? Optional.of(calls.begin(once ? named.once() : named))
            : calls.callOf(request::header).map(found -> calls.resume(once ? found.once() : found));
    if (call.isEmpty()) {
      return chain.proceed(request);
    }
    CallRun run = call.get();
    Reached reached = new Reached(chain.call());
    Request.Builder keyed = request.newBuilder().tag(Reached.class, reached);
    run.headers().forEach(keyed::header);
    return run.execute(new Exchange(run, chain, keyed.build(), reached));
  }

  private static ReceivedAnswer read(Response response) throws IOException {
    byte[] body =
        ReceivedAnswer.wantsBody(response.code())
            ? response.peekBody(ReceivedAnswer.MOST_BODY_BYTES).bytes()
            : null;
    return ReceivedAnswer.of(response.code(), response::header, body);
  }

  private static Response noteReached(Chain chain) throws IOException {
    Request request = chain.request();
    Reached reached = request.tag(Reached.class);
    if (reached != null) {
      reached.server = true;
    }
    return chain.proceed(request);
  }

  /** Whether a request went to a server; there is a run for its call. */
  private static final class Reached {

    private final Call call;
    private volatile boolean server;

    Reached(Call call) {
      this.call = call;
    }
  }

  private record Exchange(CallRun run, Chain chain, Request request, Reached reached)
      implements CallExchange<Response> {

    /** How soon a pause notices that the call was cancelled. */
    private static final Duration LOOK = Duration.ofMillis(50);

    @Override
    public Response send() throws IOException {
      Response response;
      try {
        response = chain.proceed(request);
      } catch (IOException e) {
        if (chain.call().isCanceled()) {
          InterruptedIOException stopped = new InterruptedIOException("The call was cancelled");
          stopped.initCause(e);
          throw stopped;
        }
        if (reached.server) {
          // It may have been another server that there is no connection to, after a redirect.
          run.sentUnseen();
        }
        throw e;
      }
      noteUnseen(response);
      if (response.code() >= 400 && !response.request().method().equals(first(response).method())) {
        response.close();
        throw new IOException(
            "The call was answered with a redirect, and what that leads to has status "
                + response.code()
                + ", which tells nothing of the call");
      }
      return response;
    }

    /** The request before all redirects, as the interceptors behind have made it. */
    private static Request first(Response response) {
      Response first = response;
      for (Response prior = first.priorResponse(); prior != null; prior = prior.priorResponse()) {
        first = prior;
      }
      return first.request();
    }

    /** OkHttp sends again by itself after a 503 with {@code Retry-After: 0}. */
    private void noteUnseen(Response response) {
      for (Response prior = response.priorResponse();
          prior != null;
          prior = prior.priorResponse()) {
        if (prior.code() >= 500) {
          run.sentUnseen();
        }
      }
    }

    @Override
    public ReceivedAnswer read(Response response) throws IOException {
      return IdempotentCallInterceptor.read(response);
    }

    @Override
    public void pause(Duration delay) throws IOException, InterruptedException {
      long end = System.nanoTime() + delay.toNanos();
      for (long left = delay.toNanos(); left > 0; left = end - System.nanoTime()) {
        if (chain.call().isCanceled()) {
          throw new InterruptedIOException("The call was cancelled");
        }
        TimeUnit.NANOSECONDS.sleep(Math.min(left, LOOK.toNanos()));
      }
    }

    @Override
    public void discard(Response response) {
      response.close();
    }
  }
}
