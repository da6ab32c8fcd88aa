package io.idem.client.restclient;

import io.idem.client.CallAnswer;
import io.idem.client.CallExchange;
import io.idem.client.CallRun;
import io.idem.client.IdempotentCalls;
import io.idem.client.OutgoingCall;
import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpRequest;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.ClientHttpRequestExecution;
import org.springframework.http.client.ClientHttpRequestInterceptor;
import org.springframework.http.client.ClientHttpResponse;
import org.springframework.http.client.support.HttpRequestWrapper;
import org.springframework.web.client.RestClientResponseException;

/**
 * Sends the requests of a {@code RestClient}, or a {@code RestTemplate}, under their keys.
 *
 * <p>A request is a call if it has the attribute that {@link #under} sets, or the key's header. All
 * others pass through untouched. The interceptors that were added after this one see every attempt.
 * Where the outcome is unknown, the client throws a {@code ResourceAccessException} whose cause is
 * {@link io.idem.client.CallOutcomeUnknownException}. Thread-safe.
 */
public final class IdempotentCallInterceptor implements ClientHttpRequestInterceptor {

  private static final String CALL = OutgoingCall.class.getName();

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
   * Makes a request a call: {@code client.post().uri(…).attributes(under(call))}.
   *
   * @param call the call
   * @return for {@code attributes} of a request
   */
  public static Consumer<Map<String, Object>> under(OutgoingCall call) {
    return attributes -> attributes.put(CALL, call);
  }

  /**
   * Says what became of a call.
   *
   * @param request makes it, for example {@code () ->
   *     client.post().uri(…).attributes(under(call)).retrieve().toEntity(Charge.class)}
   * @param <T> what the body becomes
   * @return what became of it; errors may also come as exceptions of the response, as they do by
   *     default, and should where {@code T} is neither a text nor bytes, so that problems are read
   */
  public <T> CallAnswer<ResponseEntity<T>> answer(Supplier<ResponseEntity<T>> request) {
    try {
      ResponseEntity<T> response = request.get();
      return calls.interpret(
          ReceivedAnswer.ofEntity(
              response.getStatusCode().value(),
              response.getHeaders()::getFirst,
              response.getBody()),
          response);
    } catch (RestClientResponseException e) {
      if (!e.getStatusCode().isError()) {
        throw e; // one that the application has made of it
      }
      HttpHeaders headers = Optional.ofNullable(e.getResponseHeaders()).orElseGet(HttpHeaders::new);
      return calls.interpretRefusal(
          ReceivedAnswer.of(
              e.getStatusCode().value(), headers::getFirst, e.getResponseBodyAsByteArray()));
    } catch (RuntimeException e) {
      return IdempotentCalls.<ResponseEntity<T>>unknown(e).orElseThrow(() -> e);
    }
  }

  @Override
  public ClientHttpResponse intercept(
      HttpRequest request, byte[] body, ClientHttpRequestExecution execution) throws IOException {
    if (isOfARun(request)) {
      // The interceptor is there twice.
      return execution.execute(request, body);
    }
    HttpHeaders headers = request.getHeaders();
    Optional<CallRun> call = calls.begin(callOf(request), headers::getFirst);
    if (call.isEmpty()) {
      return execution.execute(request, body);
    }
    CallRun run = call.get();
    run.headers().forEach(headers::set);
    return run.execute(
        new CallExchange<ReadableResponse>() {
          @Override
          public ReadableResponse send() throws IOException {
            return new ReadableResponse(execution.execute(new OwnHeaders(request), body));
          }

          @Override
          public ReceivedAnswer read(ReadableResponse response) throws IOException {
            return response.answer();
          }

          @Override
          public void discard(ReadableResponse response) {
            response.close();
          }
        });
  }

  private static boolean isOfARun(HttpRequest request) {
    HttpRequest inner = request;
    while (inner instanceof HttpRequestWrapper wrapper && !(inner instanceof OwnHeaders)) {
      inner = wrapper.getRequest();
    }
    return inner instanceof OwnHeaders;
  }

  /** The request of one attempt: what is added to its headers is not in the next one's. */
  private static final class OwnHeaders extends HttpRequestWrapper {

    private final HttpHeaders headers = new HttpHeaders();

    OwnHeaders(HttpRequest request) {
      super(request);
      headers.addAll(request.getHeaders());
    }

    @Override
    public HttpHeaders getHeaders() {
      return headers;
    }
  }

  private static @Nullable OutgoingCall callOf(HttpRequest request) {
    return request.getAttributes().get(CALL) instanceof OutgoingCall call ? call : null;
  }
}
