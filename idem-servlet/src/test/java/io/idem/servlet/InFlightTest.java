package io.idem.servlet;

import static io.idem.servlet.TestServer.text;
import static org.assertj.core.api.Assertions.assertThat;

import jakarta.servlet.http.Cookie;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Points 14 to 19: requests that meet a running one. */
class InFlightTest extends ServerTest {

  @Test
  void p14_aDuplicateWaitsAndIsGivenTheAnswer() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        (request, response) -> {
          started.countDown();
          go.await();
          response.getWriter().print("paid");
        });
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    started.await();
    Future<HttpResponse<byte[]>> second = later(() -> server.post("/pay", "k"));
    go.countDown();

    assertThat(text(first.get())).isEqualTo("paid");
    assertThat(text(second.get())).isEqualTo("paid");
    assertReplayed(second.get());
    assertThat(first.get().headers().firstValue("Idempotent-Replayed")).isEmpty();
  }

  @Test
  void p14_theBusyStatusIsConfigurable() throws Exception {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ZERO).retryAfter(Duration.ofMillis(1500)),
        endpoint -> endpoint.busyStatus(425),
        (request, response) -> {
          started.countDown();
          go.await();
        });
    Future<HttpResponse<byte[]>> first = later(() -> server.post("/pay", "k"));
    started.await();

    HttpResponse<byte[]> busy = server.post("/pay", "k");

    assertProblem(busy, 425, "in-progress");
    assertThat(busy.headers().firstValue("Retry-After")).contains("2");
    go.countDown();
    first.get();
  }

  @Test
  void p14_aHundredParallelDuplicatesAreOneRun() throws Exception {
    server.protect(
        "/pay",
        operation -> operation.waitAtMost(Duration.ofSeconds(30)),
        endpoint -> endpoint,
        (request, response) -> response.getWriter().print("paid " + server.runs.get()));
    ExecutorService executor = Executors.newFixedThreadPool(100);
    CountDownLatch go = new CountDownLatch(1);
    List<Future<HttpResponse<byte[]>>> answers = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      answers.add(
          executor.submit(
              () -> {
                go.await();
                return server.post("/pay", "k");
              }));
    }
    go.countDown();

    int fresh = 0;
    for (Future<HttpResponse<byte[]>> answer : answers) {
      assertThat(answer.get().statusCode()).isEqualTo(200);
      assertThat(text(answer.get())).isEqualTo("paid 1");
      fresh += answer.get().headers().firstValue("Idempotent-Replayed").isEmpty() ? 1 : 0;
    }
    executor.shutdown();
    assertThat(fresh).isEqualTo(1);
    assertThat(server.runs).hasValue(1);
  }

  @Test
  void p17_aRunThatLostItsLeaseIsNotDelivered() throws Exception {
    server.protect(
        "/pay",
        (request, response) -> {
          response.setHeader("X-Handler", "1");
          response.setStatus(201);
          response.addCookie(new Cookie("session", "1"));
          response.getWriter().print("mine");
        });
    store.loseCompletions = true;

    HttpResponse<byte[]> answer = server.post("/pay", "k");

    assertProblem(answer, 409, "outcome-unknown");
    assertThat(answer.headers().map()).doesNotContainKeys("x-handler", "set-cookie");
    assertThat(answer.headers().firstValue("X-Outer")).contains("1");
  }
}
