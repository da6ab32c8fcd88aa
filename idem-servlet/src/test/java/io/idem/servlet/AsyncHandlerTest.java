package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Point 29 where the handler goes on after it has returned, and what other points say of that. */
class AsyncHandlerTest extends ServerTest {

  private final List<String> events = new CopyOnWriteArrayList<>();

  @Test
  void p29_whatAnotherThreadWritesIsStoredAsItIsSent() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          assertThat(request.isAsyncSupported()).isTrue();
          assertThat(request.isAsyncStarted()).isFalse();
          AsyncContext async = request.startAsync();
          assertThat(request.isAsyncStarted()).isTrue();
          assertThat(request.getAsyncContext()).isSameAs(async);
          assertThat(async.hasOriginalRequestAndResponse()).isTrue();
          response.setStatus(201);
          inAnotherThread(
              () -> {
                response.setContentType("text/plain;charset=UTF-8");
                response.getWriter().print("bez\u00e5ld " + server.runs);
                async.complete();
              });
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(201);
    assertThat(text(first)).isEqualTo("bez\u00e5ld 1");
    assertThat(first.headers().firstValue("Idempotent-Replayed")).isEmpty();
    assertSame(first, server.post("/pay", "k"));
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p29_anErrorOfAListenerDoesNotKeepTheRunFromItsEnd() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          async.addListener(new Failing());
          async.addListener(new Recording(events));
          inAnotherThread(
              () -> {
                response.getWriter().print("paid");
                async.complete();
              });
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo("paid");
    assertThat(events).containsExactly("complete");
    assertSame(first, server.post("/pay", "k"));
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p29_aDispatchGoesOnInTheHandler() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.REQUEST) {
            response.getWriter().print("begun, ");
            AsyncContext async = request.startAsync();
            async.addListener(new Recording(events));
            inAnotherThread(
                () -> {
                  request.setAttribute("result", "paid");
                  async.dispatch();
                });
          } else if (events.isEmpty()) {
            assertThat(request.isAsyncStarted()).isFalse();
            AsyncContext again = request.startAsync(request, response); // not asked for the first
            again.addListener(new Recording(events));
            again.dispatch(); // takes effect when this has returned
            assertThat(request.isAsyncStarted()).isTrue();
          } else {
            response
                .getWriter()
                .print(
                    request.getDispatcherType()
                        + " "
                        + request.getAttribute("result")
                        + " from "
                        + request.getAttribute(AsyncContext.ASYNC_REQUEST_URI)
                        + request.getAttribute(AsyncContext.ASYNC_SERVLET_PATH)
                        + request.getAttribute(AsyncContext.ASYNC_PATH_INFO)
                        + "?"
                        + request.getAttribute(AsyncContext.ASYNC_QUERY_STRING));
          }
        });
    CompletableFuture<String> inFront = new CompletableFuture<>();
    server.after(
        (request, response) ->
            inFront.complete("" + request.getAttribute(AsyncContext.ASYNC_REQUEST_URI)));

    HttpResponse<byte[]> first = server.post("/pay?a=1", "k");

    assertThat(text(first)).isEqualTo("begun, ASYNC paid from /pay/pay?a=1");
    assertThat(events).containsExactly("started again", "complete");
    assertThat(inFront.get(30, TimeUnit.SECONDS)).isEqualTo("null");
    assertSame(first, server.post("/pay?a=1", "k"));
    assertThat(server.runs).hasValue(3);
  }

  @Test
  void p29_aDispatchToAnotherPathBelongsToItsRun() throws Exception {
    server.protect(
        "/inner",
        (request, response) ->
            response.getWriter().print(request.getDispatcherType() + " " + server.runs));
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          inAnotherThread(() -> async.dispatch("/inner"));
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo("ASYNC 2");
    assertSame(first, server.post("/pay", "k"));
    assertThat(text(server.post("/inner", "k"))).isEqualTo("REQUEST 3");
  }

  /** Which a forward, by which it is done, would drop. */
  @Test
  void p29_aDispatchToAnotherPathIsRefusedAfterAPartOfTheAnswer() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.getWriter().print("begun");
          request.startAsync().dispatch("/plain/page");
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);
    assertThat(server.thrown.get(0)).hasMessageContaining("dispatch to another path");
  }

  /** Servlet 6.1, AsyncContext.dispatch(): it depends on whether the request was handed over. */
  @Test
  void p29_aDispatchAfterAForwardLeadsBackOrToTheTarget() throws Exception {
    server.open(
        "/plain/inner",
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            response.getWriter().print("inner");
          } else if (request.getParameter("over") != null) {
            request.startAsync(request, response).dispatch();
          } else {
            request.startAsync().dispatch();
          }
        });
    server.protect(
        "/pay",
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            response.getWriter().print("outer");
          } else {
            request.getRequestDispatcher("/plain/inner").forward(request, response);
          }
        });

    assertThat(text(server.post("/pay", "k1"))).isEqualTo("outer");
    assertThat(text(server.post("/pay?over=1", "k2"))).isEqualTo("inner");
    assertReplayed(server.post("/pay?over=1", "k2"));
  }

  @Test
  void p29_wrappersOfTheHandlerAreDispatchedWithIt() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            response.getWriter().print(request.getHeader("X-Wrapped"));
            return;
          }
          AsyncContext async =
              request.startAsync(
                  new HttpServletRequestWrapper(request) {
                    @Override
                    public String getHeader(String name) {
                      return "by the handler";
                    }
                  },
                  new HttpServletResponseWrapper(response));
          assertThat(async.hasOriginalRequestAndResponse()).isFalse();
          async.dispatch();
        });

    assertThat(text(server.post("/pay", "k"))).isEqualTo("by the handler");
  }

  @Test
  void p29_aTaskOfTheContextRunsOnAnotherThread() throws Exception {
    Thread[] threads = new Thread[2];
    server.protect(
        "/pay",
        (request, response) -> {
          threads[0] = Thread.currentThread();
          AsyncContext async = request.startAsync();
          async.start(
              () -> {
                threads[1] = Thread.currentThread();
                print(async, "paid");
                async.complete();
              });
        });

    assertThat(text(server.post("/pay", "k"))).isEqualTo("paid");
    assertThat(threads[1]).isNotNull().isNotSameAs(threads[0]);
  }

  @Test
  void p29_whatTheRulesForbidIsRefused() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          refused(request::getAsyncContext);
          refused(() -> CompletableFuture.supplyAsync(request::startAsync).get());
          AsyncContext async = request.startAsync();
          refused(request::startAsync);
          refused(
              () ->
                  request
                      .getInputStream()
                      .setReadListener(
                          new ReadListener() {
                            @Override
                            public void onDataAvailable() {}

                            @Override
                            public void onAllDataRead() {}

                            @Override
                            public void onError(Throwable failure) {}
                          }));
          refused(
              () ->
                  response
                      .getOutputStream()
                      .setWriteListener(
                          new WriteListener() {
                            @Override
                            public void onWritePossible() {}

                            @Override
                            public void onError(Throwable failure) {}
                          }));
          async.complete();
          refused(async::complete);
          refused(async::dispatch);
          refused(async::getResponse);
          refused(() -> async.addListener(new Recording(events)));
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(200);
    assertThat(events)
        .hasSize(9)
        .allSatisfy(
            message ->
                assertThat(message).containsAnyOf("synchronous handling", "Non-blocking reads"));
  }

  @Test
  void p14_aDuplicateWaitsForAnAsynchronousHandler() throws Exception {
    CompletableFuture<AsyncContext> begun = new CompletableFuture<>();
    server.protect("/pay", (request, response) -> begun.complete(request.startAsync()));
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    AsyncContext async = begun.get(30, TimeUnit.SECONDS);
    Future<HttpResponse<byte[]>> second = later(() -> server.post("/pay", "k"));
    print(async, "paid");
    assertThat(first.isDone()).isFalse();
    async.complete();

    assertThat(text(first.get())).isEqualTo("paid");
    assertSame(first.get(), second.get());
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p14_aDuplicateThatMayNotWaitIsTurnedAway() throws Exception {
    CompletableFuture<AsyncContext> begun = new CompletableFuture<>();
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO),
        endpoint -> endpoint,
        (request, response) -> begun.complete(request.startAsync()));
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    AsyncContext async = begun.get(30, TimeUnit.SECONDS);

    assertProblem(server.post("/pay", "k"), 409, "in-progress");
    async.complete();
    assertSame(first.get(), server.post("/pay", "k"));
  }

  @Test
  void p16_aRunKeepsItsLeaseWhileItIsAwaited() throws Exception {
    CompletableFuture<AsyncContext> begun = new CompletableFuture<>();
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO).lease(Duration.ofMillis(300)),
        endpoint -> endpoint,
        (request, response) -> begun.complete(request.startAsync()));
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    AsyncContext async = begun.get(30, TimeUnit.SECONDS);
    assertThat(store.renewals.tryAcquire(10, 30, TimeUnit.SECONDS)).isTrue();

    assertProblem(server.post("/pay", "k"), 409, "in-progress");
    print(async, "paid");
    async.complete();
    assertThat(text(first.get())).isEqualTo("paid");
    assertSame(first.get(), server.post("/pay", "k"));
  }

  @Test
  void p22_noByteLeavesBeforeTheOutcomeIsStored() throws Exception {
    store.gate = new CountDownLatch(1);
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          inAnotherThread(
              () -> {
                response.getWriter().print("paid");
                response.flushBuffer();
                async.complete();
              });
        });
    try (Socket socket = new Socket("localhost", server.port())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(keyed());
      store.completing.await();
      assertThat(socket.getInputStream().available()).isZero();
      store.gate.countDown();
      assertThat(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1))
          .endsWith("paid");
    }
  }

  @Test
  void p23_aClientThatHangsUpChangesNothing() throws Exception {
    CompletableFuture<AsyncContext> begun = new CompletableFuture<>();
    server.protect("/pay", (request, response) -> begun.complete(request.startAsync()));
    try (Socket socket = new Socket("localhost", server.port())) {
      socket.getOutputStream().write(keyed());
      begun.get(30, TimeUnit.SECONDS);
    }
    AsyncContext async = begun.get();
    print(async, "paid");
    async.complete();

    HttpResponse<byte[]> repeat = server.post("/pay", "k", "", "");
    assertReplayed(repeat);
    assertThat(text(repeat)).isEqualTo("paid");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p24_anOversizeAnswerIsDeliveredOnceAndNeverRunAgain() throws Exception {
    String much = "x".repeat(5_000);
    server.protect(
        "/pay",
        endpoint -> endpoint.maxStoredBytes(1_000),
        (request, response) -> {
          AsyncContext async = request.startAsync();
          inAnotherThread(
              () -> {
                response.getWriter().print(much);
                async.complete();
              });
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(text(first)).isEqualTo(much);
    assertProblem(server.post("/pay", "k"), 409, "answer-not-stored");
    assertThat(server.runs).hasValue(1);
    assertThat(spilledFiles()).isEmpty();
  }

  /** As if the handler had thrown it at once: the cause decides, and leaves the outcome open. */
  @Test
  void p29_whatADispatchThrowsIsThrown() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.releaseOn(IllegalArgumentException.class),
        endpoint -> endpoint,
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.REQUEST) {
            AsyncContext async = request.startAsync();
            async.addListener(new Recording(events));
            async.dispatch();
          } else if (request.getQueryString() == null) {
            throw new ServletException(new IOException("no bank"));
          } else {
            throw new ServletException(new IllegalArgumentException("no account"));
          }
        });

    HttpResponse<byte[]> failed = server.post("/pay", "k");

    assertThat(failed.statusCode()).isEqualTo(500);
    assertThat(server.thrown.get(0)).hasRootCauseMessage("no bank");
    assertThat(events).containsExactly("error no bank", "complete");
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    server.post("/pay?free=1", "k2");
    server.post("/pay?free=1", "k2");
    assertThat(server.runs).hasValue(6);
  }

  /** What was begun goes on, whatever the operation says about exceptions of its own. */
  @Test
  void p29_aFailureBesideWhatWasBegunLeavesTheOutcomeOpen() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.releaseOn(IllegalArgumentException.class),
        endpoint -> endpoint,
        (request, response) -> {
          request.startAsync();
          throw new IllegalArgumentException("too late to say no");
        });

    assertThat(server.post("/pay", "k").statusCode()).isEqualTo(500);
    assertProblem(server.post("/pay", "k"), 409, "outcome-unknown");
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p29_anErrorPageIsRenderedWhereverTheErrorCameFrom() throws Exception {
    server.errorPage = "/page";
    server.open(
        "/page",
        (request, response) ->
            response.getWriter().print("page " + server.runs + request.getDispatcherType()));
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          inAnotherThread(
              () -> {
                response.sendError(409, "too late");
                async.complete();
              });
        });

    HttpResponse<byte[]> first = server.post("/pay", "k");

    assertThat(first.statusCode()).isEqualTo(409);
    assertThat(text(first)).isEqualTo("page 2ERROR");
    assertSame(first, server.post("/pay", "k"));
  }

  @Test
  void p25_anotherThreadMaySayThatNothingHappened() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          AsyncContext async = request.startAsync();
          inAnotherThread(
              () -> {
                IdempotentExchange.nothingHappened(request);
                async.complete();
              });
        });

    server.post("/pay", "k");
    server.post("/pay", "k");
    assertThat(server.runs).hasValue(2);
  }

  /** Then it is the container's affair. */
  @Test
  void p05_anUnprotectedRequestIsHandledAsynchronouslyByTheContainer() throws Exception {
    server.protect(
        "/pay",
        endpoint -> endpoint.keyOptional(),
        (request, response) -> {
          if (request.getDispatcherType() == DispatcherType.ASYNC) {
            response.getWriter().print("on " + server.runs);
          } else {
            request.startAsync().dispatch();
          }
        });

    assertThat(text(server.send(server.request("/pay").POST(HttpRequest.BodyPublishers.noBody()))))
        .isEqualTo("on 2");
  }

  private static byte[] keyed() {
    return rawPost("/pay", lines("Idempotency-Key: k", "", ""), "")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void print(AsyncContext async, String text) {
    try {
      async.getResponse().getWriter().print(text);
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  static void inAnotherThread(Step step) {
    var unused =
        later(
            () -> {
              step.run();
              return "done";
            });
  }

  private void refused(Step step) {
    assertThatThrownBy(step::run)
        .satisfies(
            e -> {
              Throwable refusal = e instanceof IllegalStateException ? e : e.getCause();
              assertThat(refusal).isInstanceOf(IllegalStateException.class);
              events.add(refusal.getMessage());
            });
  }

  interface Step {
    void run() throws Exception;
  }

  /** Fails at the end, as a listener does of which a class is missing. */
  private static final class Failing implements AsyncListener {

    @Override
    public void onComplete(AsyncEvent event) {
      throw new NoClassDefFoundError("as the test wants it");
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      // not what it is for
    }

    @Override
    public void onError(AsyncEvent event) {
      // not what it is for
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      // not what it is for
    }
  }

  /** Writes down what it is told. */
  record Recording(List<String> events) implements AsyncListener {

    @Override
    public void onComplete(AsyncEvent event) {
      events.add("complete");
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      events.add("timeout");
    }

    @Override
    public void onError(AsyncEvent event) {
      Throwable cause = event.getThrowable();
      while (cause.getCause() != null) {
        cause = cause.getCause();
      }
      events.add("error " + cause.getMessage());
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      events.add("started again");
    }
  }
}
