package io.idem.client;

import static io.idem.client.webclient.IdempotentExchangeFilter.under;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.webclient.IdempotentExchangeFilter;
import io.idem.testkit.Together;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.reactive.ReactorClientHttpConnector;
import org.springframework.web.reactive.function.BodyInserters;
import org.springframework.web.reactive.function.UnsupportedMediaTypeException;
import org.springframework.web.reactive.function.client.WebClient;
import org.springframework.web.reactive.function.client.WebClientResponseException;
import reactor.core.Disposable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.http.client.HttpClient;
import reactor.netty.resources.ConnectionProvider;

class WebClientTest extends CallContract {

  private static WebClient webClient(IdempotentExchangeFilter filter, Duration timeout) {
    return WebClient.builder()
        .baseUrl(SERVER.url())
        .clientConnector(
            new ReactorClientHttpConnector(
                HttpClient.create()
                    .disableRetry(true)
                    .followRedirect(true)
                    .responseTimeout(timeout)))
        .filter(filter)
        .build();
  }

  @Override
  Caller client(IdempotentCalls calls, Duration timeout) {
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(calls);
    WebClient client = webClient(filter, timeout);
    return new Caller() {
      @Override
      public CallAnswer<Reply> call(OutgoingCall call, String path, String body) {
        Mono<ResponseEntity<String>> response =
            client
                .post()
                .uri(path)
                .attributes(under(call))
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(body)
                .retrieve()
                .toEntity(String.class);
        return Answers.map(filter.answer(response).block(), WebClientTest::reply);
      }

      @Override
      public Reply plain(String path, String body) {
        return client
            .post()
            .uri(path)
            .bodyValue(body)
            .exchangeToMono(response -> response.toEntity(String.class))
            .map(WebClientTest::reply)
            .block();
      }
    };
  }

  private static Reply reply(ResponseEntity<String> response) {
    return new Reply(
        response.getStatusCode().value(), response.getBody() == null ? "" : response.getBody());
  }

  private WebClient.ResponseSpec post(WebClient client, OutgoingCall call) {
    return client.post().uri(charges()).attributes(under(call)).bodyValue("{}").retrieve();
  }

  @Test
  void errorsAreThoseOfTheClient() {
    WebClient client =
        webClient(new IdempotentExchangeFilter(quick().build()), Duration.ofSeconds(20));
    expect(Fault.problem(422, "key-reused", false, "0"));

    assertThatThrownBy(() -> post(client, call).toBodilessEntity().block())
        .isInstanceOf(WebClientResponseException.class);

    expect(Fault.problem(409, "outcome-unknown", false, "0"));
    assertThatThrownBy(() -> post(client, call).toBodilessEntity().block())
        .hasCauseInstanceOf(CallOutcomeUnknownException.class);
  }

  @Test
  void anErrorThatIsNoExceptionIsReadAsOne() {
    IdempotentExchangeFilter filter =
        new IdempotentExchangeFilter(quick().unexplainedConflictIsBusy(false).build());
    WebClient client =
        webClient(filter, Duration.ofSeconds(20))
            .mutate()
            .defaultStatusHandler(HttpStatusCode::isError, response -> Mono.empty())
            .build();
    Fault lost = Fault.problem(409, "answer-not-stored", false, "0");
    expect(lost, lost);

    assertThat(
            filter
                .answer(
                    client
                        .post()
                        .uri(charges())
                        .attributes(under(call))
                        .bodyValue("{}")
                        .retrieve()
                        .toEntity(String.class))
                .block())
        .isInstanceOf(CallAnswer.ResultNotStored.class);
    assertThat(
            filter
                .answer(
                    client
                        .post()
                        .uri(charges())
                        .attributes(under(call))
                        .bodyValue("{}")
                        .retrieve()
                        .toBodilessEntity())
                .block())
        .isNotInstanceOf(CallAnswer.Refused.class);
  }

  @Test
  void anErrorThatIsTooLongToReadIsToldByItsStatus() {
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(quick().build());
    WebClient client = webClient(filter, Duration.ofSeconds(20));
    String tooLong = "x".repeat(300_000); // the codecs take 262,144 bytes
    Visits visits = expect(new Fault.Answer(503, Map.of(), tooLong));

    assertThat(filter.answer(post(client, call).toEntity(String.class)).block())
        .isInstanceOf(CallAnswer.Ran.class);
    assertThat(visits.arrivals()).isEqualTo(2);

    expect(new Fault.Answer(409, Map.of("Stripe-Should-Retry", "false"), tooLong));
    assertThatThrownBy(() -> post(client, call).toBodilessEntity().block())
        .isInstanceOf(WebClientResponseException.Conflict.class);
  }

  @Test
  void anErrorThatBreaksOffIsNoAnswer() {
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(quick().build());
    WebClient client = webClient(filter, Duration.ofSeconds(20));
    Visits visits = expect(new Fault.Answer(503, Map.of("Content-Length", "100"), "x"));

    assertThat(filter.answer(post(client, call).toEntity(String.class)).block())
        .isInstanceOf(CallAnswer.Ran.class);
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @ParameterizedTest
  @MethodSource
  void anAnswerThatCannotBeReadIsNone(String garbled) throws Exception {
    try (ScriptedServer server = new ScriptedServer(garbled)) {
      IdempotentExchangeFilter filter =
          new IdempotentExchangeFilter(quick().maxAttempts(2).build());
      WebClient client = webClient(filter, Duration.ofSeconds(20));

      CallAnswer<ResponseEntity<String>> answer =
          filter
              .answer(
                  client
                      .post()
                      .uri(server.url())
                      .attributes(under(call))
                      .bodyValue("{}")
                      .retrieve()
                      .toEntity(String.class))
              .block();

      assertUnknown(Answers.map(answer, WebClientTest::reply), call.key());
      assertThat(server.heads).hasSize(2);
    }
  }

  static Stream<String> anAnswerThatCannotBeReadIsNone() {
    return Stream.of(
        "garbage is no HTTP\r\n\r\n",
        ScriptedServer.answer(201, "X: " + "x".repeat(20_000) + "\r\n", "{}"));
  }

  @Test
  void aPoolThatHasNoConnectionToGiveHasSentNothing() throws Exception {
    ConnectionProvider one =
        ConnectionProvider.builder("one")
            .maxConnections(1)
            .pendingAcquireTimeout(Duration.ofMillis(100))
            .build();
    try (ScriptedServer server = new ScriptedServer("HTTP/1.1 200 Test\r\n")) {
      IdempotentExchangeFilter filter =
          new IdempotentExchangeFilter(quick().maxAttempts(2).build());
      WebClient client =
          WebClient.builder()
              .clientConnector(new ReactorClientHttpConnector(HttpClient.create(one)))
              .filter(filter)
              .build();
      Disposable holds =
          client.get().uri(server.url()).retrieve().toBodilessEntity().subscribe(r -> {}, e -> {});
      Together.await("the connection is taken", () -> server.heads.size() == 1);

      assertThatThrownBy(
              () ->
                  filter
                      .answer(
                          client
                              .post()
                              .uri(server.url())
                              .attributes(under(call))
                              .retrieve()
                              .toEntity(String.class))
                      .block())
          .hasRootCauseInstanceOf(TimeoutException.class)
          .hasStackTraceContaining("no connection to give");

      assertThat(server.heads).hasSize(1);
      holds.dispose();
    } finally {
      one.dispose();
    }
  }

  @Test
  void aSubscriptionThatIsCancelledSendsNothingMore() {
    Visits visits = expect(Fault.answer(503, "Retry-After", "1"));
    WebClient client =
        webClient(new IdempotentExchangeFilter(quick().build()), Duration.ofSeconds(20));
    Sinks.Empty<Void> cancelled = Sinks.empty();

    Disposable sent =
        post(client, call).toBodilessEntity().doOnCancel(cancelled::tryEmitEmpty).subscribe();
    Together.await("the request", () -> visits.arrivals() == 1);
    sent.dispose();

    cancelled.asMono().block(Duration.ofSeconds(10));
    assertThat(sent.isDisposed()).isTrue();
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aBodyThatCannotBeSentAgainHasOneEffectAndIsUnknown() {
    Visits visits = expect(new Fault.DropAfterEffect());
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(quick().build());
    WebClient client = webClient(filter, Duration.ofSeconds(20));
    Sinks.Many<String> body = Sinks.many().unicast().onBackpressureBuffer();
    body.tryEmitNext("{}");
    body.tryEmitComplete();

    CallAnswer<ResponseEntity<String>> answer =
        filter
            .answer(
                client
                    .post()
                    .uri(charges())
                    .attributes(under(call))
                    .body(BodyInserters.fromProducer(body.asFlux(), String.class))
                    .retrieve()
                    .toEntity(String.class))
            .block();

    assertUnknown(Answers.map(answer, WebClientTest::reply), call.key());
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void aRedirectThatKeepsTheMethodKeepsTheKey() throws Exception {
    Redirects.keepTheKey(this);
  }

  @Test
  void aRedirectToAResultIsFollowed() throws Exception {
    Redirects.leadToAResult(this);
  }

  @Test
  void aFilterThatIsThereTwiceDoesNotRepeatWhatIsBusy() {
    Fault busy = Fault.answer(409);
    Visits visits = expect(busy, busy, busy, busy, busy, busy);
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(quick().maxAttempts(2).build());
    WebClient twice = webClient(filter, Duration.ofSeconds(20)).mutate().filter(filter).build();

    assertThat(filter.answer(post(twice, call).toEntity(String.class)).block())
        .isInstanceOf(CallAnswer.Busy.class);
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void aBodyThatNobodyCanWriteIsAMistake() {
    Visits visits = expect();
    IdempotentExchangeFilter filter = new IdempotentExchangeFilter(quick().build());
    WebClient client = webClient(filter, Duration.ofSeconds(20));
    WebClient.RequestBodySpec request =
        client.post().uri(charges()).attributes(under(call)).contentType(MediaType.IMAGE_PNG);

    assertThatThrownBy(
            () ->
                filter
                    .answer(request.bodyValue(Duration.ZERO).retrieve().toEntity(String.class))
                    .block())
        .isInstanceOf(UnsupportedMediaTypeException.class);
    assertThatThrownBy(
            () ->
                filter
                    .answer(
                        request
                            .body(
                                BodyInserters.fromProducer(
                                    Mono.error(new IllegalStateException("none")), String.class))
                            .retrieve()
                            .toEntity(String.class))
                    .block())
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("none");
    assertThat(visits.arrivals()).isEqualTo(0);
  }
}
