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
import java.util.Optional;
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
 * that is cancelled, or reaches OkHttp's call timeout, is not sent again. Where the outcome is
 * unknown, the call fails with {@link CallOutcomeUnknownException}. Thread-safe.
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
   * the one that is answered.
   *
   * @param client the client
   * @return the same
   */
  public OkHttpClient.Builder addTo(OkHttpClient.Builder client) {
    return client.addInterceptor(this).retryOnConnectionFailure(false);
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
    } catch (CallOutcomeUnknownException e) {
      return IdempotentCalls.<Response>unknown(e).orElseThrow();
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
    Request.Builder keyed = request.newBuilder();
    run.headers().forEach(keyed::header);
    return run.execute(new Exchange(chain, keyed.build()));
  }

  private static ReceivedAnswer read(Response response) throws IOException {
    byte[] body =
        ReceivedAnswer.wantsBody(response.code())
            ? response.peekBody(ReceivedAnswer.MOST_BODY_BYTES).bytes()
            : null;
    return ReceivedAnswer.of(response.code(), response::header, body);
  }

  private record Exchange(Chain chain, Request request) implements CallExchange<Response> {

    @Override
    public Response send() throws IOException {
      try {
        return chain.proceed(request);
      } catch (IOException e) {
        if (chain.call().isCanceled()) {
          InterruptedIOException stopped = new InterruptedIOException("The call was cancelled");
          stopped.initCause(e);
          throw stopped;
        }
        throw e;
      }
    }

    @Override
    public ReceivedAnswer read(Response response) throws IOException {
      return IdempotentCallInterceptor.read(response);
    }

    @Override
    public void discard(Response response) {
      response.close();
    }
  }
}
