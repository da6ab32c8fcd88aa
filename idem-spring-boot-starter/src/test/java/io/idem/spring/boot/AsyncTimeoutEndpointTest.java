package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Disposition;
import io.idem.spring.Idempotent;
import io.idem.spring.boot.AsyncApplication.Work;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ApplicationListener;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.context.request.async.DeferredResult;
import org.springframework.web.multipart.MultipartFile;
import org.springframework.web.servlet.mvc.method.annotation.SseEmitter;

/** Asynchronous handlers of Spring MVC that are not there in time, and other ends of theirs. */
@Timeout(120)
class AsyncTimeoutEndpointTest {

  private static ConfigurableApplicationContext context;
  private static Work work;
  private static Endpoints endpoints;
  private static URI base;
  private final HttpClient client = HttpClient.newHttpClient();
  private final String name = UUID.randomUUID().toString();

  @BeforeAll
  static void start() {
    context = application();
    work = context.getBean(Work.class);
    endpoints = context.getBean(Endpoints.class);
    base = baseOf(context);
  }

  @AfterAll
  static void stop() {
    work.end();
    context.close();
  }

  private static ConfigurableApplicationContext application() {
    return new SpringApplicationBuilder(Application.class)
        .properties(
            "server.port=0",
            "server.address=127.0.0.1",
            "spring.main.banner-mode=off",
            "spring.mvc.async.request-timeout=200ms",
            "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1")
        .run();
  }

  private static URI baseOf(ConfigurableApplicationContext of) {
    return URI.create("http://127.0.0.1:" + of.getEnvironment().getProperty("local.server.port"));
  }

  /** Spring MVC's answer, and nothing is run again. */
  @ParameterizedTest
  @ValueSource(strings = {"callable", "deferred", "task", "future", "stage", "mono", "entity"})
  void p21_aHandlerThatIsNotThereInTimeLeavesTheOutcomeUnknown(String kind) throws Exception {
    HttpResponse<String> first = post("/" + kind + "/never/" + name);

    assertThat(first.statusCode()).isEqualTo(503);
    HttpResponse<String> repeat = post("/" + kind + "/never/" + name);
    assertThat(repeat.statusCode()).isEqualTo(409);
    assertThat(repeat.body()).contains("outcome-unknown");
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  /** What was begun may still happen, even where failures are said to be harmless. */
  @Test
  void p21_aTimeoutNeverFreesTheKey() throws Exception {
    assertThat(post("/harmless/" + name).statusCode()).isEqualTo(503);
    assertThat(post("/harmless/" + name).body()).contains("outcome-unknown");
    assertThat(work.runsOf(name)).isEqualTo(1);
  }

  @Test
  void p21_anAnswerOfTheApplicationToATimeoutIsOne() throws Exception {
    HttpResponse<String> first = post("/accepting/" + name);

    assertThat(first.statusCode()).isEqualTo(202);
    HttpResponse<String> repeat = post("/accepting/" + name);
    assertThat(repeat.statusCode()).isEqualTo(202);
    assertThat(repeat.headers().firstValue("Idempotent-Replayed")).contains("true");
  }

  /** The result of one request is set by the thread of another, after the first has timed out. */
  @Test
  void p29_aLateResultDoesNotReachTheNextRequest() throws Exception {
    post("/given-away/" + name);
    HttpResponse<String> next = post("/setting-results/" + name);

    assertThat(next.statusCode()).isEqualTo(200);
    assertThat(next.body()).isEqualTo("set: false");
    assertThat(post("/given-away/" + name).body()).contains("outcome-unknown");
  }

  /** Its declared type says nothing; what it sends is all there once it has ended. */
  @Test
  void p29_aStreamThatEndsIsStoredAsAWhole() throws Exception {
    HttpResponse<String> first = post("/streaming/" + name + "?end=true");

    assertThat(first.body()).isEqualTo("data:one\n\ndata:two\n\n");
    HttpResponse<String> repeat = post("/streaming/" + name + "?end=true");
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(repeat.headers().firstValue("Idempotent-Replayed")).contains("true");
  }

  @Test
  void p29_aStreamThatDoesNotEndIsNoOutcome() throws Exception {
    HttpResponse<String> first = post("/streaming/" + name + "?end=false");

    assertThat(first.statusCode()).isEqualTo(500);
    assertThat(first.body()).doesNotContain("one");
    assertThat(post("/streaming/" + name + "?end=false").body()).contains("outcome-unknown");
  }

  /** Its transaction belongs to one thread, and a plain handler may still turn asynchronous. */
  @Test
  void p29_asynchronousHandlingInATransactionIsRefused() throws Exception {
    assertThat(post("/transactional/" + name).statusCode()).isEqualTo(500);
    assertThat(endpoints.refusals)
        .anySatisfy(
            refusal -> assertThat(refusal).contains("transactional", "@Idempotent(mode = LEASED)"));
  }

  @Test
  void p36_aMultipartBodyIsThereForAnotherThread() throws Exception {
    String content =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n"
            + "Content-Type: text/plain\r\n\r\n"
            + name
            + "\r\n--b--\r\n";
    HttpRequest.Builder request =
        request("/upload")
            .setHeader("Content-Type", "multipart/form-data; boundary=b")
            .POST(BodyPublishers.ofString(content));
    HttpResponse<String> first = client.send(request.build(), BodyHandlers.ofString());

    assertThat(first.body()).isEqualTo(name);
    assertThat(first.headers().firstValue("X-There")).contains("ASYNC alice");
    assertThat(client.send(request.build(), BodyHandlers.ofString()).body())
        .isEqualTo(first.body());
  }

  @Test
  void p19_aServiceThatStopsLetsAnAsynchronousHandlerFinish() throws Exception {
    ConfigurableApplicationContext stopping = application();
    Endpoints its = stopping.getBean(Endpoints.class);
    CompletableFuture<HttpResponse<String>> first =
        client.sendAsync(
            request(baseOf(stopping).resolve("/patient/" + name)).build(), BodyHandlers.ofString());
    DeferredResult<String> result = its.patient.get(30, TimeUnit.SECONDS);
    CompletableFuture<Void> closed = CompletableFuture.runAsync(stopping::close);
    its.closing.get(30, TimeUnit.SECONDS);
    assertThat(closed).isNotDone();
    result.setResult("done");

    assertThat(first.get(30, TimeUnit.SECONDS).body()).isEqualTo("done");
    closed.get(30, TimeUnit.SECONDS);
  }

  private HttpResponse<String> post(String path) throws Exception {
    return client.send(request(path).build(), BodyHandlers.ofString());
  }

  private HttpRequest.Builder request(String path) {
    return request(base.resolve(path));
  }

  private HttpRequest.Builder request(URI uri) {
    return HttpRequest.newBuilder(uri)
        .header("Idempotency-Key", name)
        .header("X-User", "alice")
        .POST(BodyPublishers.noBody());
  }

  @Configuration(proxyBeanMethods = false)
  @Import({AsyncApplication.class, Endpoints.class})
  static class Application {}

  @RestController
  static class Endpoints implements ApplicationListener<ContextClosedEvent> {

    private final Work work;
    private final List<DeferredResult<String>> givenAway = new CopyOnWriteArrayList<>();
    private final List<String> refusals = new CopyOnWriteArrayList<>();
    private final CompletableFuture<DeferredResult<String>> patient = new CompletableFuture<>();
    private final CompletableFuture<Boolean> closing = new CompletableFuture<>();

    Endpoints(Work work) {
      this.work = work;
    }

    @Override
    public void onApplicationEvent(ContextClosedEvent event) {
      closing.complete(true);
    }

    @PostMapping("/harmless/{name}")
    @Idempotent(
        mode = Idempotent.Mode.LEASED,
        serverErrors = Idempotent.ServerErrors.RELEASE,
        onOtherFailure = Disposition.RELEASE)
    CompletableFuture<AsyncApplication.Answer> harmless(@PathVariable String name) {
      return work.later("never", name);
    }

    @PostMapping("/accepting/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    DeferredResult<ResponseEntity<String>> accepting(@PathVariable String name) {
      return new DeferredResult<>(50L, ResponseEntity.accepted().body("look for " + name));
    }

    @PostMapping("/given-away/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    DeferredResult<String> givenAway(@PathVariable String name) {
      DeferredResult<String> result = new DeferredResult<>();
      givenAway.add(result);
      return result;
    }

    @PostMapping("/setting-results/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    String settingResults(@PathVariable String name) {
      return "set: " + givenAway.stream().anyMatch(result -> result.setResult("leaked " + name));
    }

    @PostMapping("/streaming/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    Object streaming(@PathVariable String name, @RequestParam boolean end) throws Exception {
      SseEmitter emitter = new SseEmitter();
      emitter.send("one");
      emitter.send("two");
      if (end) {
        emitter.complete();
      }
      return emitter;
    }

    @PostMapping("/transactional/{name}")
    @Idempotent
    String transactional(@PathVariable String name, HttpServletRequest request) {
      try {
        request.startAsync();
        return name;
      } catch (IllegalStateException e) {
        refusals.add(e.getMessage());
        throw e;
      }
    }

    @PostMapping("/upload")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    Callable<byte[]> upload(@RequestParam MultipartFile file) {
      return file::getBytes;
    }

    @PostMapping("/patient/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    DeferredResult<String> patient(@PathVariable String name) {
      DeferredResult<String> result = new DeferredResult<>(60_000L);
      patient.complete(result);
      return result;
    }
  }
}
