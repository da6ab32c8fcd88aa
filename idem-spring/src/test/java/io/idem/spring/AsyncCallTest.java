package io.idem.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import reactor.core.publisher.Mono;

/** Calls of annotated methods that return before their work is done. */
class AsyncCallTest {

  private static final Duration BOUND = Duration.ofSeconds(20);

  private AnnotationConfigApplicationContext context;
  private Service service;
  private AtomicInteger runs;
  private CompletableFuture<String> work;

  @BeforeEach
  void start() {
    context = new AnnotationConfigApplicationContext(Config.class);
    service = context.getBean(Service.class);
    runs = service.runs(); // the proxy's own fields are empty
    work = service.work();
  }

  @AfterEach
  void end() {
    work.complete("at the end of the test");
    context.close();
  }

  private static <T> T answer(Future<T> future) {
    try {
      return future.get(BOUND.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError("There is no answer", e);
    }
  }

  private static Throwable failure(CompletableFuture<?> future) {
    return answer(future.handle((unwanted, failure) -> failure));
  }

  @Test
  void aStageRunsOnceAndItsRepeatsAreGivenItsResult() {
    CompletableFuture<String> first = service.stage("k");
    CompletableFuture<String> meanwhile = service.stage("k");
    assertThat(first).isNotDone();
    work.complete("done");

    assertThat(answer(first)).isEqualTo("done");
    assertThat(answer(meanwhile)).isEqualTo("done");
    assertThat(answer(service.stage("k"))).isEqualTo("done");
    assertThat(runs).hasValue(1);
  }

  @Test
  void resultsComeBackAsTheirDeclaredType() {
    Map<String, List<Integer>> first = answer(service.generic("k").toCompletableFuture());
    assertThat(answer(service.generic("k").toCompletableFuture())).isEqualTo(first);
    assertThat(answer(service.nothing("k"))).isNull();
    assertThat(answer(service.nothing("k"))).isNull();
    assertThat(service.empty("k").block(BOUND)).isNull();
    assertThat(service.empty("k").block(BOUND)).isNull();
    assertThat(runs).hasValue(3);
  }

  @Test
  void aFailureEndsTheStageAsItIs() throws IOException {
    assertThat(failure(service.fails("k"))).isExactlyInstanceOf(IOException.class);
    assertThat(failure(service.fails("k"))).isExactlyInstanceOf(OutcomeUnknownException.class);
    assertThat(failure(service.throwsAtOnce("k"))).isExactlyInstanceOf(IOException.class);
    assertThat(failure(service.returnsNull("k"))).isExactlyInstanceOf(IllegalStateException.class);
    assertThat(answer(service.compared("k", 1))).isEqualTo(4);
    assertThat(failure(service.compared("k", 2))).isExactlyInstanceOf(KeyReusedException.class);
    assertThatThrownBy(() -> service.stage(null)).isInstanceOf(MissingKeyException.class);
    assertThat(runs).hasValue(4);
  }

  @Test
  void toCancelAStageStopsNothing() {
    assertThat(service.stage("k").cancel(true)).isTrue();
    assertThat(work).isNotCancelled();
    work.complete("done");

    assertThat(answer(service.stage("k"))).isEqualTo("done");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aMonoDoesNothingBeforeItIsSubscribedToAndRunsOnce() {
    Mono<String> mono = service.mono("k");
    assertThat(runs).hasValue(0);
    work.complete("done");

    assertThat(mono.block(BOUND)).isEqualTo("done");
    assertThat(mono.block(BOUND)).as("the same, again").isEqualTo("done");
    assertThat(service.mono("k").block(BOUND)).isEqualTo("done");
    assertThat(runs).hasValue(1);
  }

  @Test
  void aMonoWithoutAKeyFailsWhenItIsSubscribedTo() {
    Mono<String> mono = service.mono(null);
    assertThatThrownBy(() -> mono.block(BOUND)).isInstanceOf(MissingKeyException.class);
    assertThat(service.unprotected(null).block(BOUND)).isEqualTo("run 1");
    assertThat(service.unprotected(null).block(BOUND)).isEqualTo("run 2");
    assertThat(service.unprotected("k").block(BOUND)).isEqualTo("run 3");
    assertThat(service.unprotected("k").block(BOUND)).isEqualTo("run 3");
  }

  @Test
  void aMonoIsGivenTheSubscribersContextAndTheAttempt() {
    assertThat(
            service
                .inContext("k", null)
                .contextWrite(context -> context.put("tenant", "acme"))
                .block(BOUND))
        .isEqualTo("acme, attempt 1");
    assertThat(
            service
                .inContext("k", null)
                .contextWrite(context -> context.put("tenant", "another"))
                .block(BOUND))
        .as("a repeat")
        .isEqualTo("acme, attempt 1");
  }

  @Test
  void aSubscriberThatGoesAwayStopsNothing() {
    AtomicReference<String> told = new AtomicReference<>();
    service.mono("k").subscribe(told::set).dispose();
    assertThat(work).isNotCancelled();
    work.complete("done");

    assertThat(service.mono("k").block(BOUND)).isEqualTo("done");
    assertThat(told).hasValue(null);
    assertThat(runs).hasValue(1);
  }

  @Test
  void aFailureOfAMonoIsItsOwn() {
    assertThatThrownBy(() -> service.failingMono("k").block(BOUND))
        .hasRootCauseExactlyInstanceOf(IOException.class);
    assertThatThrownBy(() -> service.failingMono("k").block(BOUND))
        .isExactlyInstanceOf(OutcomeUnknownException.class);
    assertThat(runs).hasValue(1);
  }

  @Configuration
  @EnableIdempotency
  static class Config {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.builder()
          .store(new InMemoryStore())
          .codecs(new JacksonResultCodecFactory())
          .build();
    }

    @Bean
    Service service() {
      return new Service();
    }
  }

  static class Service {

    private final AtomicInteger runs = new AtomicInteger();
    private final CompletableFuture<String> work = new CompletableFuture<>();

    AtomicInteger runs() {
      return runs;
    }

    CompletableFuture<String> work() {
      return work;
    }

    @Idempotent(key = "#key")
    public CompletableFuture<String> stage(String key) {
      runs.incrementAndGet();
      return work;
    }

    @Idempotent(key = "#key")
    public CompletionStage<Map<String, List<Integer>>> generic(String key) {
      return CompletableFuture.completedStage(Map.of("runs", List.of(runs.incrementAndGet())));
    }

    @Idempotent(key = "#key")
    public CompletableFuture<Void> nothing(String key) {
      runs.incrementAndGet();
      return CompletableFuture.completedFuture(null);
    }

    @Idempotent(key = "#key")
    public CompletableFuture<String> fails(String key) {
      runs.incrementAndGet();
      return CompletableFuture.failedFuture(new CompletionException(new IOException("timeout")));
    }

    @Idempotent(key = "#key")
    public CompletableFuture<String> throwsAtOnce(String key) throws IOException {
      runs.incrementAndGet();
      throw new IOException("timeout");
    }

    @Idempotent(key = "#key")
    public CompletableFuture<String> returnsNull(String key) {
      runs.incrementAndGet();
      return null;
    }

    @Idempotent(key = "#key")
    public CompletableFuture<Integer> compared(String key, int amount) {
      return CompletableFuture.completedFuture(runs.incrementAndGet());
    }

    @Idempotent(key = "#key")
    public Mono<String> mono(String key) {
      runs.incrementAndGet();
      return Mono.fromFuture(work);
    }

    @Idempotent(key = "#key")
    public Mono<Void> empty(String key) {
      runs.incrementAndGet();
      return Mono.empty();
    }

    @Idempotent(key = "#key", required = false)
    public Mono<String> unprotected(String key) {
      return Mono.just("run " + runs.incrementAndGet());
    }

    @Idempotent(key = "#key")
    public Mono<String> inContext(String key, Attempt attempt) {
      return Mono.deferContextual(
          context -> Mono.just(context.get("tenant") + ", attempt " + attempt.number()));
    }

    @Idempotent(key = "#key")
    public Mono<String> failingMono(String key) {
      runs.incrementAndGet();
      return Mono.error(new IOException("timeout"));
    }
  }
}
