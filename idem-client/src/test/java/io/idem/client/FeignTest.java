package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import feign.DefaultClient;
import feign.DefaultRetryer;
import feign.Feign;
import feign.HeaderMap;
import feign.Headers;
import feign.Param;
import feign.Request;
import feign.RequestLine;
import feign.Response;
import feign.Retryer;
import feign.Util;
import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.feign.IdempotentClient;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class FeignTest extends BlockingCallContract {

  /** An interface as an application has it. */
  interface Api {

    @RequestLine("POST {path}?call={id}")
    @Headers("Content-Type: application/json")
    Response post(
        @HeaderMap Map<String, String> headers,
        @Param("path") String path,
        @Param("id") String id,
        String body);

    @RequestLine("POST /charges?call={id}")
    @Headers({"Content-Type: application/json", "Idempotency-Key: {key}"})
    String charge(@Param("key") String key, @Param("id") String id, String body);
  }

  private static Api api(IdempotentClient client, Duration timeout) {
    return Feign.builder()
        .client(client)
        .retryer(Retryer.NEVER_RETRY)
        .options(new Request.Options(Duration.ofSeconds(20), timeout, true))
        .target(Api.class, SERVER.url());
  }

  private static IdempotentClient idempotent(IdempotentCalls calls) {
    return new IdempotentClient(new DefaultClient(null, null), calls);
  }

  @Override
  Caller client(IdempotentCalls calls, Duration timeout) {
    IdempotentClient client = idempotent(calls);
    Api api = api(client, timeout);
    return new Caller() {
      @Override
      public CallAnswer<Reply> call(OutgoingCall call, String path, String body) {
        return Answers.map(
            client.answer(() -> post(client.headers(call), path, body)), FeignTest::reply);
      }

      @Override
      public Reply plain(String path, String body) {
        return reply(post(Map.of(), path, body));
      }

      private Response post(Map<String, String> headers, String path, String body) {
        return api.post(headers, path.substring(0, path.indexOf('?')), id, body);
      }
    };
  }

  private static Reply reply(Response response) {
    try (response) {
      String body =
          response.body() == null
              ? ""
              : new String(
                  Util.toByteArray(response.body().asInputStream()), StandardCharsets.UTF_8);
      return new Reply(response.status(), body);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void errorsMayBeTheExceptionsOfTheClient() {
    IdempotentClient client = idempotent(quick().build());
    Api api = api(client, Duration.ofSeconds(20));
    Visits visits = expect(new Fault.DropAfterEffect());

    assertThat(client.answer(() -> api.charge(call.key(), id, "{}")))
        .isEqualTo(new CallAnswer.Ran<>("{\"charge\":1}"));
    assertThat(client.answer(() -> api.charge(call.key(), id, "{\"other\":1}")))
        .isInstanceOfSatisfying(
            CallAnswer.Refused.class,
            refused -> assertThat(refused.answer().problemType()).isPresent());
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void theRetryerOfFeignDoesNotSeeAnUnknownOutcome() {
    Api api =
        Feign.builder()
            .client(idempotent(quick().build()))
            .retryer(new DefaultRetryer())
            .target(Api.class, SERVER.url());
    Visits visits = expect(Fault.problem(409, "outcome-unknown", false, "0"));

    assertThatThrownBy(() -> api.charge(call.key(), id, "{}"))
        .isInstanceOf(UncheckedIOException.class)
        .hasCauseInstanceOf(CallOutcomeUnknownException.class);
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aKeyIsNoTemplate() {
    Visits visits = expect();
    IdempotentClient client = idempotent(quick().build());
    Api api = api(client, Duration.ofSeconds(20));
    OutgoingCall odd = OutgoingCall.of("{id}-%7Bid%7D-" + id);

    client.answer(() -> api.post(client.headers(odd), "/charges", id, "{}"));
    api.charge("{id}-" + id, id, "{}");

    assertThat(visits.keys).containsExactly(odd.key(), "{id}-" + id);
  }

  @Test
  void anErrorThatBreaksOffIsClosed() {
    AtomicBoolean closed = new AtomicBoolean();
    InputStream broken =
        new FilterInputStream(InputStream.nullInputStream()) {
          @Override
          public int read(byte[] bytes, int offset, int length) throws IOException {
            throw new IOException("broken off");
          }

          @Override
          public void close() {
            closed.set(true);
          }
        };
    IdempotentClient client =
        new IdempotentClient(
            (request, options) ->
                Response.builder().request(request).status(503).body(broken, 100).build(),
            quick().maxAttempts(1).build());

    assertThatThrownBy(() -> api(client, Duration.ofSeconds(20)).charge(call.key(), id, "{}"))
        .hasRootCauseMessage("broken off");
    assertThat(closed).isTrue();
  }
}
