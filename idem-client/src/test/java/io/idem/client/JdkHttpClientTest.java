package io.idem.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import io.idem.client.ChargeServer.Fault;
import io.idem.client.ChargeServer.Visits;
import io.idem.client.jdk.IdempotentHttpClient;
import io.idem.testkit.Together;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JdkHttpClientTest extends BlockingCallContract {

  private static final HttpClient CLIENT =
      HttpClient.newBuilder().followRedirects(HttpClient.Redirect.NORMAL).build();

  private static HttpRequest.Builder post(String path) {
    return HttpRequest.newBuilder(URI.create(SERVER.url() + path))
        .header("Content-Type", "application/json");
  }

  @Override
  Caller client(IdempotentCalls calls, Duration timeout) {
    IdempotentHttpClient client = new IdempotentHttpClient(CLIENT, calls);
    return new Caller() {
      @Override
      public CallAnswer<Reply> call(OutgoingCall call, String path, String body) throws Exception {
        HttpRequest request =
            post(path).timeout(timeout).POST(BodyPublishers.ofString(body)).build();
        return replies(client.call(call, request, BodyHandlers.ofString()));
      }

      @Override
      public Reply plain(String path, String body) throws Exception {
        return reply(
            CLIENT.send(
                post(path).POST(BodyPublishers.ofString(body)).build(), BodyHandlers.ofString()));
      }
    };
  }

  private static Reply reply(HttpResponse<String> response) {
    return new Reply(response.statusCode(), response.body());
  }

  private static CallAnswer<Reply> replies(CallAnswer<HttpResponse<String>> answer) {
    return Answers.map(answer, JdkHttpClientTest::reply);
  }

  @Test
  void aKeyThatIsBusyAtIdemItselfIsWaitedOut() throws Exception {
    Visits visits = expect(new Fault.SlowUntilConflict());

    CallAnswer<Reply> answer =
        client(quick().build(), Duration.ofMillis(400))
            .call(call, "/impatient?call=" + id, "{\"cents\":100}");

    assertThat(answer).isEqualTo(replayed());
    assertThat(visits.effects).hasValue(1);
    assertThat(visits.arrivals()).isGreaterThanOrEqualTo(3);
  }

  @Test
  void theResponseIsHandedOutOrThrown() throws Exception {
    IdempotentHttpClient client = new IdempotentHttpClient(CLIENT, quick().build());
    HttpRequest request = post(charges()).POST(BodyPublishers.ofString("{}")).build();
    expect(Fault.answer(422));

    assertThat(client.send(call, request, BodyHandlers.ofInputStream()).body().readAllBytes())
        .isEmpty();

    expect(Fault.problem(409, "outcome-unknown", false, "1"));
    assertThatThrownBy(() -> client.send(call, request, BodyHandlers.ofString()))
        .isInstanceOfSatisfying(
            CallOutcomeUnknownException.class,
            unknown -> {
              assertThat(unknown.key()).isEqualTo(call.key());
              assertThat(unknown.attempts()).isEqualTo(1);
              assertThat(unknown.answer()).get().extracting(ReceivedAnswer::status).isEqualTo(409);
            })
        .hasMessageNotContaining(call.key());
  }

  @Test
  void anErrorWithoutAnEndIsNoAnswer() throws Exception {
    Visits visits = expect(new Fault.Answer(422, Map.of(), "x".repeat((1 << 24) + 1)));

    assertThat(client(quick().build(), Duration.ofSeconds(20)).call(call, charges(), "{}"))
        .isInstanceOf(CallAnswer.Ran.class);
    assertThat(visits.arrivals()).isEqualTo(2);
  }

  @Test
  void aBodyOfUnknownLengthIsSentOnce() throws Exception {
    Visits visits = expect(new Fault.DropAfterEffect());
    HttpRequest request =
        post(charges())
            .POST(
                BodyPublishers.ofInputStream(
                    () -> new ByteArrayInputStream("{}".getBytes(StandardCharsets.UTF_8))))
            .build();

    assertUnknown(
        replies(
            new IdempotentHttpClient(CLIENT, quick().build())
                .call(call, request, BodyHandlers.ofString())),
        call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
    assertThat(visits.effects).hasValue(1);
  }

  @Test
  void aRequestWithoutATimeoutGetsTheRestOfTheTotalTime() throws Exception {
    Visits visits = expect(new Fault.SlowUntilNextArrival());
    HttpRequest request = post(charges()).POST(BodyPublishers.ofString("{}")).build();
    IdempotentHttpClient client =
        new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofMillis(300)).build());

    CallAnswer<HttpResponse<String>> answer = client.call(call, request, BodyHandlers.ofString());

    assertUnknown(replies(answer), call.key());
    assertThat(visits.arrivals()).isEqualTo(1);
    // Also ends the slow handler.
    assertThat(client(quick().build(), Duration.ofSeconds(20)).call(call, charges(), "{}"))
        .isEqualTo(replayed());
  }

  @ParameterizedTest
  @ValueSource(ints = {201, 503})
  void aBodyThatDoesNotComeIsWaitedForNoLongerThanTheTotalTime(int status) throws Exception {
    try (ScriptedServer server =
        new ScriptedServer("HTTP/1.1 " + status + " Test\r\nContent-Length: 9\r\n\r\n{")) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url()))
              .POST(BodyPublishers.ofString("{}"))
              .build();
      IdempotentHttpClient client =
          new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofMillis(500)).build());

      CallAnswer<HttpResponse<String>> answer =
          assertTimeoutPreemptively(
              Duration.ofSeconds(20), () -> client.call(call, request, BodyHandlers.ofString()));

      assertUnknown(replies(answer), call.key());
      assertThat(server.heads).hasSize(1);
      Together.await("the connection is closed", server::isLeft);
    }
  }

  @Test
  void aServerThatDoesNotAcceptConnectionsHasDoneNothing() throws Exception {
    List<Socket> taken = new ArrayList<>();
    try (ServerSocket full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      // Until there is no room for connections that nobody has accepted.
      assertThatThrownBy(
              () -> {
                for (int i = 0; i < 10; i++) {
                  Socket socket = new Socket();
                  taken.add(socket);
                  socket.connect(full.getLocalSocketAddress(), 200);
                }
              })
          .isInstanceOf(SocketTimeoutException.class);
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + full.getLocalPort() + "/"))
              .POST(BodyPublishers.ofString("{}"))
              .build();
      IdempotentHttpClient client =
          new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofMillis(50)).build());

      // Which of two timeouts comes first is a matter of luck.
      for (int i = 0; i < 20; i++) {
        assertThatThrownBy(() -> client.call(call, request, BodyHandlers.ofString()))
            .isInstanceOf(HttpConnectTimeoutException.class);
      }
    } finally {
      for (Socket socket : taken) {
        socket.close();
      }
    }
  }

  @Test
  void aServerThatCannotBeReachedHasDoneNothing() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0)) {
      closed = socket.getLocalPort();
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + closed + "/"))
            .POST(BodyPublishers.ofString("{}"))
            .build();
    IdempotentHttpClient client = new IdempotentHttpClient(CLIENT, quick().maxAttempts(2).build());

    assertThatThrownBy(() -> client.call(call, request, BodyHandlers.ofString()))
        .isInstanceOf(ConnectException.class);
    assertUnknown(
        replies(client.call(call.repeated(), request, BodyHandlers.ofString())), call.key());
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
  void aRedirectThatIsNotFollowedCarriedNothingOut() throws Exception {
    Visits visits = expect();
    HttpRequest request = post("/moved?call=" + id).POST(BodyPublishers.ofString("{}")).build();

    assertThat(
            new IdempotentHttpClient(HttpClient.newHttpClient(), quick().build())
                .call(call, request, BodyHandlers.discarding()))
        .isInstanceOf(CallAnswer.Refused.class);
    assertThat(visits.effects).hasValue(0);
  }

  @Test
  void anInterruptedThreadSendsNothing() throws Exception {
    try (ScriptedServer server = new ScriptedServer(ScriptedServer.answer(201, "", ""))) {
      IdempotentHttpClient client = new IdempotentHttpClient(CLIENT, quick().build());
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url()))
              .POST(BodyPublishers.ofString("{}"))
              .build();

      for (int i = 0; i < 20; i++) {
        Thread.currentThread().interrupt();
        assertThatThrownBy(() -> client.send(call, request, BodyHandlers.ofString()))
            .isInstanceOf(CallOutcomeUnknownException.class);
        assertThat(Thread.interrupted()).isTrue();
      }

      client.send(call, request, BodyHandlers.ofString());
      assertThat(server.heads).hasSize(1);
    }
  }

  @Test
  void anAnswerDoesNotWaitForTheWorkOfOthersInTheCommonPool() throws Exception {
    Visits visits = expect();
    CountDownLatch ended = new CountDownLatch(1);
    CountDownLatch taken = new CountDownLatch(ForkJoinPool.getCommonPoolParallelism());
    for (long i = taken.getCount(); i > 0; i--) {
      ForkJoinPool.commonPool()
          .execute(
              () -> {
                taken.countDown();
                assertThat(catchThrowable(ended::await)).isNull();
              });
    }
    try {
      assertThat(taken.await(20, TimeUnit.SECONDS)).isTrue();
      HttpRequest request = post(charges()).POST(BodyPublishers.ofString("{}")).build();

      assertThat(
              new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofSeconds(5)).build())
                  .call(call, request, BodyHandlers.ofString()))
          .isInstanceOf(CallAnswer.Ran.class);
    } finally {
      ended.countDown();
    }
    assertThat(visits.arrivals()).isEqualTo(1);
  }

  @Test
  void aFailureShowsWhoMadeTheCall() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0)) {
      closed = socket.getLocalPort();
    }
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + closed + "/"))
            .POST(BodyPublishers.ofString("{}"))
            .build();

    Throwable failure =
        catchThrowable(
            () ->
                new IdempotentHttpClient(CLIENT, quick().maxAttempts(1).build())
                    .send(call, request, BodyHandlers.ofString()));

    assertThat(failure).isInstanceOf(ConnectException.class);
    assertThat(failure.getStackTrace())
        .extracting(StackTraceElement::getClassName)
        .contains(JdkHttpClientTest.class.getName());
  }

  @Test
  void aHandlerThatWaitsForTheBodyItselfIsEndedToo() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer("HTTP/1.1 201 Test\r\nContent-Length: 9\r\n\r\n{")) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url()))
              .POST(BodyPublishers.ofString("{}"))
              .build();
      IdempotentHttpClient client =
          new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofMillis(500)).build());
      HttpResponse.BodyHandler<String> reads =
          response ->
              HttpResponse.BodySubscribers.mapping(
                  HttpResponse.BodySubscribers.ofInputStream(), JdkHttpClientTest::text);

      CallAnswer<HttpResponse<String>> answer =
          assertTimeoutPreemptively(
              Duration.ofSeconds(20), () -> client.call(call, request, reads));

      assertUnknown(replies(answer), call.key());
      assertThat(server.heads).hasSize(1);
      Together.await("the connection is closed", server::isLeft);
    }
  }

  private static String text(InputStream stream) {
    try (stream) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aStreamThatIsHandedOutIsReadForAsLongAsItTakes() throws Exception {
    try (ScriptedServer server =
        new ScriptedServer("HTTP/1.1 201 Test\r\nContent-Length: 2\r\n\r\n{")) {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(server.url()))
              .POST(BodyPublishers.ofString("{}"))
              .build();
      IdempotentHttpClient client =
          new IdempotentHttpClient(CLIENT, quick().totalTime(Duration.ofMillis(300)).build());

      try (InputStream body = client.send(call, request, BodyHandlers.ofInputStream()).body()) {
        assertThat(body.read()).isEqualTo('{');
        CompletableFuture<Integer> next = CompletableFuture.supplyAsync(() -> readOne(body));
        assertThatThrownBy(() -> next.get(800, TimeUnit.MILLISECONDS))
            .isInstanceOf(TimeoutException.class);
      }
    }
  }

  private static int readOne(InputStream stream) {
    try {
      return stream.read();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
