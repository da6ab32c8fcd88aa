package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Disposition;
import io.idem.http.ResponsePolicy;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Asynchronous handlers that do not come to their end, or too late. */
class AsyncTimeoutTest extends ServerTest {

  private static final long SOON = 50;

  private final List<String> events = new CopyOnWriteArrayList<>();

  /** Servlet 6.1, section 2.3.3.3: an error 500. What was begun may still have its effect. */
  @ParameterizedTest
  @EnumSource(
      value = Disposition.class,
      names = {"UNKNOWN", "RELEASE"})
  void p21_aTimeoutLeavesTheOutcomeUnknown(Disposition serverErrors) throws Exception {
    protect(
        serverErrors,
        (request, response) -> {
          response.setHeader("ETag", "\"half\"");
          response.getWriter().print("half a respo");
          AsyncContext async = begin(request);
          assertThat(async.getTimeout()).isEqualTo(SOON);
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(text(first)).doesNotContain("half");
    assertThat(first.headers().firstValue("ETag")).isEmpty();
    assertThat(events).containsExactly("timeout", "complete");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p21_aTimeoutIsRecordedWhereServerErrorsAre() throws Exception {
    protect(Disposition.RECORD, (request, response) -> begin(request));

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(500);
    assertSame(first, server.post("/pay", "k"));
    assertThat(server.runs).hasValue(1);
  }

  /** An answer of the application's own is one, unless it would free the key. */
  @ParameterizedTest
  @ValueSource(ints = {202, 408, 503})
  void p21_aListenerMayAnswerATimeout(int status) throws Exception {
    protect(
        Disposition.RELEASE,
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            response.setStatus(status);
            response.getWriter().print("late");
          } else {
            begin(request)
                .addListener(
                    new OnTimeout() {
                      @Override
                      public void onTimeout(AsyncEvent event) {
                        event.getAsyncContext().dispatch();
                      }
                    });
          }
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(status);
    assertThat(text(first)).isEqualTo("late");
    if (status == 202) {
      assertSame(first, server.post("/pay", "k"));
    } else {
      assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    }
  }

  @Test
  void p25_aListenerMaySayThatNothingHappened() throws Exception {
    protect(
        Disposition.UNKNOWN,
        (request, response) ->
            begin(request)
                .addListener(
                    new OnTimeout() {
                      @Override
                      public void onTimeout(AsyncEvent event) {
                        IdempotentExchange.nothingHappened(request);
                        event.getAsyncContext().complete();
                      }
                    }));

    server.post("/pay", "k");
    server.post("/pay", "k");
    assertThat(server.runs).hasValue(2);
  }

  /** What had been sent, were it not held back, ends in the middle. */
  @Test
  void p21_halfAResponseIsNoOutcome() throws Exception {
    protect(
        Disposition.UNKNOWN,
        (request, response) -> {
          begin(request)
              .addListener(
                  new OnTimeout() {
                    @Override
                    public void onTimeout(AsyncEvent event) {
                      event.getAsyncContext().complete();
                    }
                  });
          response.getWriter().print("half a respo");
          response.flushBuffer();
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(text(first)).doesNotContain("half");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
  }

  @Test
  void p21_aFailureAfterATimeoutDoesNotFreeTheKey() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.onOtherFailure(Disposition.RELEASE),
        endpoint -> endpoint,
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            throw new IllegalStateException("no answer to that");
          }
          begin(request)
              .addListener(
                  new OnTimeout() {
                    @Override
                    public void onTimeout(AsyncEvent event) {
                      event.getAsyncContext().dispatch();
                    }
                  });
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
  }

  /** A server that stops does not wait for its threads for ever. */
  @Test
  void p19_anInterruptLeavesTheOutcomeUnknown() throws Exception {
    CompletableFuture<Thread> waiting = new CompletableFuture<>();
    protect(
        Disposition.RECORD,
        (request, response) -> {
          AsyncContext async = request.startAsync();
          async.setTimeout(0);
          async.addListener(new AsyncHandlerTest.Recording(events));
          waiting.complete(Thread.currentThread());
        });
    server.after((request, response) -> events.add("interrupted " + Thread.interrupted()));
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    waiting.get(30, TimeUnit.SECONDS).interrupt();

    assertThat(first.get().statusCode()).isEqualTo(503);
    assertThat(events).containsExactly("error null", "complete", "interrupted true");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
  }

  /**
   * The container uses its objects again for the next request. The first handler still holds what
   * it was given for the first one, and goes on with it while the second is answered.
   */
  @Test
  void p29_aLateHandlerDoesNotReachTheNextRequest() throws Exception {
    CompletableFuture<Late> late = new CompletableFuture<>();
    protect(
        Disposition.UNKNOWN,
        (request, response) -> {
          if (request.getQueryString() == null) {
            PrintWriter writer = response.getWriter();
            begin(request);
            late.complete(new Late(request, response, writer, request.getParameterMap()));
          }
        });
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.open(
        "/next",
        (request, response) -> {
          entered.countDown();
          go.await();
          assertThat(request.getParameter("pin")).isEqualTo("1");
          response
              .getWriter()
              .print("next " + request.getAttribute("leak") + response.getHeader("X-Leak"));
        });
    server.post("/pay", "k"); // the client uses its connection again, the server its objects
    Future<HttpResponse<byte[]>> next =
        later(
            () ->
                server.send(
                    server.request("/next?pin=1").header("X-Secret", "s").POST(body("pin=2"))));
    entered.await();
    late.get().goesOn();
    go.countDown();

    assertThat(next.get().statusCode()).isEqualTo(200);
    assertThat(text(next.get())).isEqualTo("next nullnull");
  }

  /** Both at once, many times: what is sent is what is kept, and is whole. */
  @Test
  void p29_anAnswerThatRacesWithTheTimeoutIsWholeOrNone() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          async.setTimeout(1 + server.runs.get() % 3);
          AsyncHandlerTest.inAnotherThread(
              () -> {
                response.setStatus(201);
                response.setHeader("ETag", "\"1\"");
                response.getWriter().print("x".repeat(2_000));
                async.complete();
              });
        });

    for (int i = 0; i < 200; i++) {
      HttpResponse<byte[]> first = server.post("/pay", "k" + i);
      HttpResponse<byte[]> repeat = server.post("/pay", "k" + i);
      if (first.statusCode() == 201) {
        assertThat(text(first)).isEqualTo("x".repeat(2_000));
        assertSame(first, repeat);
        assertThat(repeat.headers().firstValue("ETag")).contains("\"1\"");
      } else {
        assertThat(first.statusCode()).isEqualTo(500);
        assertThat(first.headers().firstValue("ETag")).isEmpty();
        assertThat(text(first)).doesNotContain("x".repeat(10));
        assertProblem(repeat, 409, "outcome-unknown");
      }
    }
  }

  private AsyncContext begin(HttpServletRequest request) {
    AsyncContext async = request.startAsync();
    async.setTimeout(SOON);
    async.addListener(new AsyncHandlerTest.Recording(events));
    return async;
  }

  private void protect(Disposition serverErrors, TestServer.Handler handler) {
    server.protect(
        "/pay",
        endpoint -> endpoint.responsePolicy(ResponsePolicy.DEFAULT.onServerError(serverErrors)),
        handler);
  }

  /** Everything a handler may still hold. */
  private record Late(
      HttpServletRequest request,
      HttpServletResponse response,
      PrintWriter writer,
      Map<String, String[]> parameters) {

    void goesOn() throws IOException {
      List<ThrowingCall> calls =
          List.of(
              () -> request.setAttribute("leak", "leaked"),
              () -> request.getHeader("X-Secret"),
              request::getParameterMap,
              request::getSession,
              request::startAsync,
              request::getAsyncContext,
              () -> response.setHeader("X-Leak", "leaked"),
              () -> response.getOutputStream().print("leaked"),
              response::resetBuffer,
              () -> response.sendError(500));
      for (ThrowingCall call : calls) {
        assertThatThrownBy(call::run).isInstanceOf(IllegalStateException.class);
      }
      writer.print("leaked");
      assertThat(writer.checkError()).isTrue();
      assertThat(parameters).isEmpty();
    }
  }

  private abstract static class OnTimeout implements AsyncListener {

    @Override
    public void onComplete(AsyncEvent event) {}

    @Override
    public void onError(AsyncEvent event) {}

    @Override
    public void onStartAsync(AsyncEvent event) {}
  }
}
