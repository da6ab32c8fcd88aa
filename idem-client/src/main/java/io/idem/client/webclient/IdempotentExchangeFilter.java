package io.idem.client.webclient;

import io.idem.client.CallAnswer;
import io.idem.client.CallRun;
import io.idem.client.IdempotentCalls;
import io.idem.client.OutgoingCall;
import io.idem.client.ReceivedAnswer;
import java.io.IOException;
import java.net.ConnectException;
import java.nio.channels.UnresolvedAddressException;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.ResponseEntity;
import org.springframework.web.reactive.function.client.ClientRequest;
import org.springframework.web.reactive.function.client.ClientResponse;
import org.springframework.web.reactive.function.client.ExchangeFilterFunction;
import org.springframework.web.reactive.function.client.ExchangeFunction;
import org.springframework.web.reactive.function.client.WebClientRequestException;
import org.springframework.web.reactive.function.client.WebClientResponseException;
import reactor.core.publisher.Mono;

/**
 * Sends the requests of a {@code WebClient} under their keys.
 *
 * <p>A request is a call if it has the attribute that {@link #under} sets, or the key's header. All
 * others pass through untouched. The filters that were added after this one see every attempt. An
 * attempt waits for the head of its response no longer than what is left of the call's total time.
 * Where the outcome is unknown, the exchange ends with {@link
 * io.idem.client.CallOutcomeUnknownException}. No thread waits. Thread-safe.
 *
 * <p>Reactor Netty sends a request again by itself when a connection is reset, which the filter
 * does not see: switch that off ({@code HttpClient.create().disableRetry(true)}), or a refusal of
 * the second may be taken for one of the first.
 *
 * <p>Whether a body can be sent again cannot be told from outside: for one that cannot, such as the
 * body of another request that is passed on, use {@link OutgoingCall#once}.
 */
public final class IdempotentExchangeFilter implements ExchangeFilterFunction {

  private static final String CALL = OutgoingCall.class.getName();
  private static final String RUN = CallRun.class.getName();

  private final IdempotentCalls calls;

  /**
   * A filter for the clients of one system.
   *
   * @param calls how the system is called
   */
  public IdempotentExchangeFilter(IdempotentCalls calls) {
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
   * @param response of a call, for example {@code
   *     client.post().uri(…).attributes(under(call)).retrieve().toEntity(Charge.class)}
   * @param <T> what the body becomes
   * @return what became of it; errors may also come as exceptions of the response, as they do by
   *     default, and should where {@code T} is neither a text nor bytes, so that problems are read
   */
  public <T> Mono<CallAnswer<ResponseEntity<T>>> answer(Mono<ResponseEntity<T>> response) {
    return response
        .map(
            entity ->
                calls.interpret(
                    ReceivedAnswer.ofEntity(
                        entity.getStatusCode().value(),
                        entity.getHeaders()::getFirst,
                        entity.getBody()),
                    entity))
        .onErrorResume(this::answerOf);
  }

  private <T> Mono<CallAnswer<ResponseEntity<T>>> answerOf(Throwable failure) {
    if (failure instanceof WebClientResponseException e && e.getStatusCode().isError()) {
      return Mono.just(
          calls.interpretRefusal(
              ReceivedAnswer.of(
                  e.getStatusCode().value(),
                  e.getHeaders()::getFirst,
                  e.getResponseBodyAsByteArray())));
    }
    return IdempotentCalls.<ResponseEntity<T>>unknown(failure)
        .map(Mono::just)
        .orElseGet(() -> Mono.error(failure));
  }

  @Override
  public Mono<ClientResponse> filter(ClientRequest request, ExchangeFunction next) {
    if (request.attribute(RUN).isPresent()) {
      // The filter is there twice.
      return next.exchange(request);
    }
    // A run for each subscription: its time begins when the request does.
    return Mono.defer(
        () ->
            calls
                .begin(callOf(request), request.headers()::getFirst)
                .map(run -> new Run(run, request, next).attempt())
                .orElseGet(() -> next.exchange(request)));
  }

  private static @Nullable OutgoingCall callOf(ClientRequest request) {
    return request.attributes().get(CALL) instanceof OutgoingCall call ? call : null;
  }

  /** A run, and the request of all its attempts. */
  private static final class Run {

    private final CallRun run;
    private final ClientRequest request;
    private final ExchangeFunction next;
    private final AtomicReference<@Nullable Throwable> unwritten = new AtomicReference<>();

    Run(CallRun run, ClientRequest request, ExchangeFunction next) {
      this.run = run;
      this.next = next;
      this.request =
          ClientRequest.from(request)
              .headers(headers -> run.headers().forEach(headers::set))
              .attribute(RUN, run)
              .body(
                  (message, context) ->
                      Mono.defer(() -> request.body().insert(message, context))
                          .doOnError(unwritten::set))
              .build();
    }

    Mono<ClientResponse> attempt() {
      return next.exchange(request)
          .flatMap(ReadableResponse::of)
          .timeout(run.remaining())
          .map(response -> new Ended(response, run.answered(response.answer())))
          .onErrorResume(
              failure -> Mono.just(new Ended(null, run.failed(causeOf(failure, unwritten.get())))))
          .flatMap(ended -> ended.goOn(this));
    }
  }

  /** The client wraps whatever went wrong while it sent the request and waited. */
  private static Throwable causeOf(Throwable failure, @Nullable Throwable unwritten) {
    Throwable cause = failure instanceof WebClientRequestException ? failure.getCause() : null;
    if (cause == null) {
      return failure;
    }
    // A body that cannot be written is a mistake, unless the connection does not take it.
    boolean mistake = cause == unwritten && !cause.getClass().getName().contains("netty.");
    if (mistake || cause instanceof IOException || cause instanceof UnresolvedAddressException) {
      return cause;
    }
    if (cause.getClass().getSimpleName().startsWith("PoolAcquire")) {
      ConnectException none = new ConnectException("The client's pool had no connection to give");
      none.initCause(cause);
      return none;
    }
    // Neither Netty's timeouts are IOExceptions, nor what it cannot read in an answer.
    return new IOException("The exchange failed: " + cause.getMessage(), cause);
  }

  /**
   * An attempt that has ended.
   *
   * @param response its response, if it had one
   * @param next what to do
   */
  private record Ended(@Nullable ReadableResponse response, CallRun.Next next) {

    Mono<ClientResponse> goOn(Run run) {
      if (next instanceof CallRun.Next.Deliver && response != null) {
        return Mono.just(response.response());
      }
      Mono<Void> released = response == null ? Mono.empty() : response.release();
      if (next instanceof CallRun.Next.Again again) {
        return released.then(Mono.delay(again.delay())).then(Mono.defer(run::attempt));
      }
      return released.then(Mono.error(((CallRun.Next.Fail) next).failure()));
    }
  }
}
