package io.idem.client;

import static io.idem.client.restclient.IdempotentCallInterceptor.under;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.restclient.IdempotentCallInterceptor;
import java.net.http.HttpClient;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.web.client.HttpClientErrorException;
import org.springframework.web.client.ResourceAccessException;
import org.springframework.web.client.RestClient;
import org.springframework.web.client.RestClientResponseException;

class RestClientTest extends BlockingCallContract {

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

  private static RestClient restClient(IdempotentCallInterceptor interceptor, Duration timeout) {
    JdkClientHttpRequestFactory requests = new JdkClientHttpRequestFactory(CLIENT);
    requests.setReadTimeout(timeout);
    return RestClient.builder()
        .baseUrl(SERVER.url())
        .requestFactory(requests)
        .requestInterceptor(interceptor)
        .build();
  }

  @Override
  Caller client(IdempotentCalls calls, Duration timeout) {
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(calls);
    RestClient client = restClient(interceptor, timeout);
    return new Caller() {
      @Override
      public CallAnswer<Reply> call(OutgoingCall call, String path, String body) {
        return Answers.map(
            interceptor.answer(
                () ->
                    client
                        .post()
                        .uri(path)
                        .attributes(under(call))
                        .contentType(MediaType.APPLICATION_JSON)
                        .body(body)
                        .retrieve()
                        .toEntity(String.class)),
            RestClientTest::reply);
      }

      @Override
      public Reply plain(String path, String body) {
        return reply(
            client
                .post()
                .uri(path)
                .body(body)
                .retrieve()
                .onStatus(status -> true, (request, response) -> {})
                .toEntity(String.class));
      }
    };
  }

  private static Reply reply(ResponseEntity<String> response) {
    return new Reply(
        response.getStatusCode().value(), response.getBody() == null ? "" : response.getBody());
  }

  @Test
  void theKeyMayBeAHeaderOfTheRequest() {
    Visits visits = expect(new Fault.DropAfterEffect());
    RestClient client =
        restClient(new IdempotentCallInterceptor(quick().build()), Duration.ofSeconds(20));

    ResponseEntity<String> response =
        client
            .post()
            .uri(charges())
            .header("Idempotency-Key", "\"by hand " + id + "\"")
            .body("{}")
            .retrieve()
            .toEntity(String.class);

    assertThat(response.getHeaders().getFirst("Idempotent-Replayed")).isEqualTo("true");
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.keys).hasSize(2).containsOnly("\"by hand " + id + "\"");
  }

  @Test
  void anInterceptorBehindAddsItsHeadersToEachAttemptOnce() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer(
            ScriptedServer.answer(503, "", ""), ScriptedServer.answer(201, "", ""))) {
      RestClient client =
          restClient(new IdempotentCallInterceptor(quick().build()), Duration.ofSeconds(20))
              .mutate()
              .requestInterceptor(
                  (request, body, execution) -> {
                    request.getHeaders().add("Api-Key", "one");
                    return execution.execute(request, body);
                  })
              .build();

      client
          .post()
          .uri(server.url())
          .attributes(under(call))
          .body("{}")
          .retrieve()
          .toEntity(String.class);

      assertThat(server.heads)
          .hasSize(2)
          .allSatisfy(
              head ->
                  assertThat(head.lines().filter(line -> line.startsWith("Api-Key")))
                      .containsExactly("Api-Key: one"));
    }
  }

  @Test
  void errorsAreTheExceptionsOfTheClient() {
    RestClient client =
        restClient(new IdempotentCallInterceptor(quick().build()), Duration.ofSeconds(20));
    expect(Fault.problem(422, "key-reused", false, "0"));

    assertThatThrownBy(() -> post(client).toBodilessEntity())
        .isInstanceOfSatisfying(
            HttpClientErrorException.class,
            error -> assertThat(error.getResponseBodyAsString()).contains("key-reused"));

    expect(Fault.problem(409, "outcome-unknown", false, "0"));
    assertThatThrownBy(() -> post(client).toBodilessEntity())
        .isInstanceOf(ResourceAccessException.class)
        .hasCauseInstanceOf(CallOutcomeUnknownException.class);
  }

  @Test
  void anExceptionThatTheApplicationMakesOfARedirectIsHandedOn() {
    expect();
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    RestClient client =
        RestClient.builder()
            .requestFactory(new JdkClientHttpRequestFactory(HttpClient.newHttpClient()))
            .requestInterceptor(interceptor)
            .defaultStatusHandler(
                HttpStatusCode::is3xxRedirection,
                (request, response) -> {
                  throw new RestClientResponseException(
                      "moved", response.getStatusCode(), "", null, null, null);
                })
            .build();

    assertThatThrownBy(
            () ->
                interceptor.answer(
                    () ->
                        client
                            .post()
                            .uri(SERVER.url() + "/see-other?call=" + id)
                            .attributes(under(call))
                            .retrieve()
                            .toEntity(String.class)))
        .isInstanceOf(RestClientResponseException.class)
        .hasMessage("moved");
  }

  @Test
  void anErrorThatIsNoExceptionIsReadAsOne() {
    IdempotentCallInterceptor interceptor =
        new IdempotentCallInterceptor(quick().unexplainedConflictIsBusy(false).build());
    RestClient client =
        restClient(interceptor, Duration.ofSeconds(20))
            .mutate()
            .defaultStatusHandler(HttpStatusCode::isError, (request, response) -> {})
            .build();
    Fault lost = Fault.problem(409, "answer-not-stored", false, "0");
    expect(lost, lost, lost);

    assertThat(interceptor.answer(() -> post(client).toEntity(String.class)))
        .isInstanceOf(CallAnswer.ResultNotStored.class);
    assertThat(interceptor.answer(() -> post(client).toEntity(byte[].class)))
        .isInstanceOf(CallAnswer.ResultNotStored.class);
    // Not that nothing was carried out.
    assertThat(interceptor.answer(() -> post(client).toBodilessEntity()))
        .isNotInstanceOf(CallAnswer.Refused.class);
  }

  private RestClient.ResponseSpec post(RestClient client) {
    return client.post().uri(charges()).attributes(under(call)).body("{}").retrieve();
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
  void anInterceptorThatIsThereTwiceDoesNotRepeatWhatIsBusy() {
    Fault busy = Fault.answer(409);
    Visits visits = expect(busy, busy, busy, busy, busy, busy);
    IdempotentCallInterceptor interceptor =
        new IdempotentCallInterceptor(quick().maxAttempts(2).build());
    RestClient twice =
        restClient(interceptor, Duration.ofSeconds(20))
            .mutate()
            .requestInterceptor(interceptor)
            .build();

    assertThat(
            interceptor.answer(
                () ->
                    twice
                        .post()
                        .uri(charges())
                        .attributes(under(call))
                        .body("{}")
                        .retrieve()
                        .toEntity(String.class)))
        .isInstanceOf(CallAnswer.Busy.class);
    assertThat(visits.arrivals()).isEqualTo(2);
  }
}
