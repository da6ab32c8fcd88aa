package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.okhttp.IdempotentCallInterceptor;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import okhttp3.Call;
import okhttp3.EventListener;
import okhttp3.MediaType;
import okhttp3.OkHttpClient;
import okhttp3.Request;
import okhttp3.RequestBody;
import okhttp3.Response;
import okio.BufferedSink;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OkHttpTest extends BlockingCallContract {

  private static final MediaType JSON = MediaType.get("application/json");

  private static final OkHttpClient CLIENT = new OkHttpClient();

  private static OkHttpClient okHttp(IdempotentCallInterceptor interceptor, Duration timeout) {
    return interceptor.addTo(CLIENT.newBuilder()).readTimeout(timeout).build();
  }

  private static Request.Builder post(String path, String body) {
    return new Request.Builder()
        .url(SERVER.url() + path)
        .post(RequestBody.create(body.getBytes(StandardCharsets.UTF_8), JSON));
  }

  @Override
  Caller client(IdempotentCalls calls, Duration timeout) {
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(calls);
    OkHttpClient client = okHttp(interceptor, timeout);
    return new Caller() {
      @Override
      public CallAnswer<Reply> call(OutgoingCall call, String path, String body) throws Exception {
        Request request = post(path, body).tag(OutgoingCall.class, call).build();
        return Answers.map(interceptor.answer(client.newCall(request)), OkHttpTest::reply);
      }

      @Override
      public Reply plain(String path, String body) throws Exception {
        return reply(client.newCall(post(path, body).build()).execute());
      }
    };
  }

  private static Reply reply(Response response) {
    try (response) {
      return new Reply(response.code(), response.body().string());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBodyThatSaysThatItIsSentOnceIsSentOnce(boolean tagged) throws Exception {
    Visits visits = expect(new Fault.DropAfterEffect());
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    RequestBody once =
        new RequestBody() {
          @Override
          public MediaType contentType() {
            return JSON;
          }

          @Override
          public boolean isOneShot() {
            return true;
          }

          @Override
          public void writeTo(BufferedSink sink) throws IOException {
            sink.writeUtf8("{}");
          }
        };
    Request.Builder request = new Request.Builder().url(SERVER.url() + charges()).post(once);
    if (tagged) {
      request.tag(OutgoingCall.class, call);
    } else {
      request.header("Idempotency-Key", call.key());
    }

    CallAnswer<Response> answer =
        interceptor.answer(okHttp(interceptor, Duration.ofSeconds(20)).newCall(request.build()));

    assertUnknown(Answers.map(answer, OkHttpTest::reply), call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void aCallerThatDecodesByItselfIsGivenTheBodyAsItIs() throws Exception {
    Fault.Answer problem = Fault.problem(409, "outcome-unknown", false, "0");
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    OkHttpClient client = okHttp(interceptor, Duration.ofSeconds(20));
    Request request =
        post(charges(), "{}")
            .tag(OutgoingCall.class, call)
            .header("Accept-Encoding", "gzip")
            .build();
    expect(new Fault.Zipped(problem));
    assertUnknown(
        Answers.map(interceptor.answer(client.newCall(request)), OkHttpTest::reply), call.key());

    Fault.Answer refusal = Fault.problem(422, "key-reused", false, "0");
    expect(new Fault.Zipped(refusal));
    try (Response response = client.newCall(request).execute()) {
      assertThat(response.body().bytes())
          .isEqualTo(Codings.gzip(refusal.body().getBytes(StandardCharsets.UTF_8)));
    }
  }

  @Test
  void theTimeOfTheWholeCallEndsIt() throws Exception {
    Visits visits = expect(new Fault.SlowUntilNextArrival());
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    OkHttpClient client =
        interceptor.addTo(CLIENT.newBuilder()).callTimeout(Duration.ofMillis(300)).build();
    Request request = post(charges(), "{}").tag(OutgoingCall.class, call).build();

    assertUnknown(
        Answers.map(interceptor.answer(client.newCall(request)), OkHttpTest::reply), call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
    // Also ends the slow handler.
    assertThat(client(quick().build(), Duration.ofSeconds(20)).call(call, charges(), "{}"))
        .isEqualTo(replayed());
  }

  @Test
  void anAttemptThatOkHttpMadeByItselfMayHaveBeenCarriedOut() throws Exception {
    // The one case in which it sends again whatever it is told.
    try (ScriptedServer server =
        new ScriptedServer(
            ScriptedServer.answer(503, "Retry-After: 0\r\n", ""),
            ScriptedServer.answer(401, "", ""))) {
      IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
      Request request =
          new Request.Builder()
              .url(server.url())
              .post(RequestBody.create("{}".getBytes(StandardCharsets.UTF_8), JSON))
              .tag(OutgoingCall.class, call)
              .build();

      CallAnswer<Response> answer =
          interceptor.answer(okHttp(interceptor, Duration.ofSeconds(20)).newCall(request));

      assertUnknown(Answers.map(answer, OkHttpTest::reply), call.key());
      assertThat(server.heads).hasSize(2);
    }
  }

  @Test
  void anInterceptorThatIsThereTwiceDoesNotMultiplyTheAttempts() throws Exception {
    Fault drop = new Fault.DropBefore();
    Visits visits = expect(drop, drop, drop, drop, drop, drop);
    IdempotentCallInterceptor interceptor =
        new IdempotentCallInterceptor(quick().maxAttempts(2).build());
    OkHttpClient client = okHttp(interceptor, Duration.ofSeconds(20));
    OkHttpClient twice = interceptor.addTo(client.newBuilder()).build();
    Request request = post(charges(), "{}").tag(OutgoingCall.class, call).build();

    assertUnknown(
        Answers.map(interceptor.answer(twice.newCall(request)), OkHttpTest::reply), call.key());
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void theTimeOfTheWholeCallEndsAPause() throws Exception {
    Visits visits = expect(Fault.answer(503, "Retry-After", "20"));
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    OkHttpClient client =
        interceptor.addTo(CLIENT.newBuilder()).callTimeout(Duration.ofMillis(500)).build();
    Request request = post(charges(), "{}").tag(OutgoingCall.class, call).build();
    long start = System.nanoTime();

    assertThatThrownBy(() -> client.newCall(request).execute())
        .isInstanceOf(InterruptedIOException.class)
        .hasCauseInstanceOf(CallOutcomeUnknownException.class);

    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
    assertThat(visits.arrivals()).isEqualTo(1);
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
  void aRedirectToAnErrorTellsNothingOfTheCall() throws Exception {
    Redirects.toWhatCannotBeReadLeaveTheCallUnknown(this);
  }

  @Test
  void anInterceptorThatIsThereTwiceDoesNotRepeatWhatIsBusy() throws Exception {
    Fault busy = Fault.answer(409);
    Visits visits = expect(busy, busy, busy, busy, busy, busy);
    IdempotentCallInterceptor interceptor =
        new IdempotentCallInterceptor(quick().maxAttempts(2).build());
    OkHttpClient client = okHttp(interceptor, Duration.ofSeconds(20));
    OkHttpClient twice = interceptor.addTo(client.newBuilder()).build();
    Request request = post(charges(), "{}").tag(OutgoingCall.class, call).build();

    assertThat(interceptor.answer(twice.newCall(request))).isInstanceOf(CallAnswer.Busy.class);
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void aRefusalIsOneAlsoWhereAnInterceptorBehindSendsByAnotherMethod() throws Exception {
    Visits visits = expect(Fault.answer(422));
    IdempotentCallInterceptor interceptor = new IdempotentCallInterceptor(quick().build());
    OkHttpClient client =
        interceptor
            .addTo(CLIENT.newBuilder())
            .addInterceptor(
                chain ->
                    chain.proceed(
                        chain
                            .request()
                            .newBuilder()
                            .header("X-HTTP-Method-Override", chain.request().method())
                            .post(chain.request().body())
                            .build()))
            .build();
    Request request =
        new Request.Builder()
            .url(SERVER.url() + charges())
            .patch(RequestBody.create("{}".getBytes(StandardCharsets.UTF_8), JSON))
            .tag(OutgoingCall.class, call)
            .build();

    assertThat(interceptor.answer(client.newCall(request))).isInstanceOf(CallAnswer.Refused.class);
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "HTTP/1.1 503 T\r\nRetry-After: 0\r\n",
        "HTTP/1.1 303 T\r\nLocation: http://127.0.0.1:1/\r\n"
      })
  void whatWasSentIsNotTakenForUnsentBecauseTheNextServerIsNotThere(String answer)
      throws Exception {
    ScriptedServer server =
        new ScriptedServer(answer + "Connection: close\r\nContent-Length: 0\r\n\r\n");
    try (server) {
      IdempotentCallInterceptor interceptor =
          new IdempotentCallInterceptor(quick().maxAttempts(1).build());
      OkHttpClient client =
          interceptor
              .addTo(CLIENT.newBuilder())
              .eventListener(
                  new EventListener() {
                    @Override
                    public void responseHeadersEnd(Call call, Response response) {
                      server.close();
                    }
                  })
              .build();
      Request request =
          new Request.Builder()
              .url(server.url())
              .post(RequestBody.create("{}".getBytes(StandardCharsets.UTF_8), JSON))
              .tag(OutgoingCall.class, call)
              .build();

      assertUnknown(
          Answers.map(interceptor.answer(client.newCall(request)), OkHttpTest::reply), call.key());
      assertThat(server.heads).hasSize(1);
    }
  }
}
