package io.idem.webflux;

import static io.idem.webflux.WebFluxServer.assertReplay;
import static io.idem.webflux.WebFluxServer.post;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.InMemoryStore;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.blockhound.BlockHound;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** No thread that must not block is blocked: neither by a store that blocks, nor by Idem. */
@Timeout(120)
class NoBlockingTest {

  static {
    BlockHound.install();
  }

  @Test
  void aBlockingCallOnAnEventLoopWouldBeNoticed() {
    assertThatThrownBy(
            () ->
                Mono.fromCallable(
                        () -> {
                          Thread.sleep(1);
                          return "blocked";
                        })
                    .subscribeOn(Schedulers.parallel())
                    .block())
        .hasMessageContaining("Blocking call");
  }

  @Test
  void aBlockingStoreIsAskedOnThreadsThatMayBlock() {
    BlockingStore store = new BlockingStore();
    try (WebFluxServer server = new WebFluxServer(store, Application.class)) {
      assertRunsOnce(server, post("/work"));
      assertThat(server.send(post("/fails")).status()).isEqualTo(500);
    }
    assertThat(store.asked.get()).isPositive();
  }

  @Test
  void anAsynchronousStoreIsAskedWithoutAThreadThatWaits() {
    try (ThreadedStore store = new ThreadedStore();
        WebFluxServer server = new WebFluxServer(store, Application.class)) {
      assertRunsOnce(server, post("/work"));
      assertRunsOnce(server, post("/large"));
    }
  }

  @Test
  void aHandlerDoesNotRunOnAThreadOfTheStore() {
    try (ThreadedStore store = new ThreadedStore();
        WebFluxServer server = new WebFluxServer(store, Application.class)) {
      assertThat(server.send(post("/thread")).text()).isNotEmpty().doesNotContain("store");
    }
  }

  @Test
  void anErrorThatReactorThrowsAtSubscribersEndsTheRun() {
    try (ThreadedStore store = new ThreadedStore();
        WebFluxServer server = new WebFluxServer(store, Application.class)) {
      RawRequest request = post("/missing-class");

      assertThat(server.send(request).status()).isEqualTo(500);
      WebFluxServer.assertProblem(server.send(request), 409, "outcome-unknown");
    }
  }

  private static void assertRunsOnce(WebFluxServer server, RawRequest request) {
    RawResponse first = server.send(request);
    assertThat(first.status()).as("%s", first.text()).isEqualTo(200);
    RawResponse repeat = server.send(request);
    if (first.body().length > WebFluxServer.MAX_STORED) {
      WebFluxServer.assertProblem(repeat, 409, "answer-not-stored");
    } else {
      assertReplay(repeat, first);
    }
  }

  /** Blocks, as JDBC does, and minds the thread that it blocks. */
  private static final class BlockingStore implements IdempotencyStore {

    private final InMemoryStore store = new InMemoryStore();
    private final AtomicInteger asked = new AtomicInteger();

    private <T> T blocking(Supplier<T> verb) {
      if (Schedulers.isInNonBlockingThread()
          || Thread.currentThread().getName().contains("reactor")) {
        throw new IllegalStateException("Asked on " + Thread.currentThread().getName());
      }
      asked.incrementAndGet();
      try {
        Thread.sleep(5); // what a database takes
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return verb.get();
    }

    @Override
    public Claim claim(ClaimRequest request) {
      return blocking(() -> store.claim(request));
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return blocking(() -> store.complete(lease, outcome, retention));
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return blocking(() -> store.release(lease));
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return blocking(() -> store.renew(lease, leaseFor));
    }

    @Override
    public <C> Optional<C> capability(Class<C> type) {
      return Optional.empty();
    }
  }

  /** Answers on a thread of its own, as the client of a server does. */
  private static final class ThreadedStore implements IdempotencyStore, AsyncStore, AutoCloseable {

    private final InMemoryStore store = new InMemoryStore();
    private final ExecutorService client =
        Executors.newSingleThreadExecutor(work -> new Thread(work, "store"));

    private static IllegalStateException notAsked() {
      return new IllegalStateException("Nothing waits for this store");
    }

    @Override
    public Claim claim(ClaimRequest request) {
      throw notAsked();
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      throw notAsked();
    }

    @Override
    public LeaseCheck release(Lease lease) {
      throw notAsked();
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }

    @Override
    public CompletionStage<Claim> claimAsync(ClaimRequest request) {
      return CompletableFuture.supplyAsync(() -> store.claim(request), client);
    }

    @Override
    public CompletionStage<LeaseCheck> completeAsync(
        Lease lease, StoredOutcome outcome, Duration retention) {
      return CompletableFuture.supplyAsync(() -> store.complete(lease, outcome, retention), client);
    }

    @Override
    public CompletionStage<LeaseCheck> releaseAsync(Lease lease) {
      return CompletableFuture.supplyAsync(() -> store.release(lease), client);
    }

    @Override
    public CompletionStage<LeaseCheck> renewAsync(Lease lease, Duration leaseFor) {
      return CompletableFuture.supplyAsync(() -> store.renew(lease, leaseFor), client);
    }

    @Override
    public void close() {
      client.shutdown();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @Import(Handlers.class)
  static class Application {}

  @RestController
  static class Handlers {

    @PostMapping("/work")
    @Idempotent
    Mono<String> work() {
      return Mono.delay(Duration.ofMillis(1)).map(tick -> "done");
    }

    @PostMapping("/fails")
    @Idempotent
    Mono<String> fails() {
      return Mono.error(new IllegalStateException("as the test wants it"));
    }

    @PostMapping("/missing-class")
    @Idempotent
    Mono<Void> missingClass() {
      return Mono.fromRunnable(
          () -> {
            throw new NoClassDefFoundError("as the test wants it");
          });
    }

    @PostMapping("/large")
    @Idempotent
    Mono<String> large() {
      return Mono.just("x".repeat(100_000));
    }

    @PostMapping("/thread")
    @Idempotent
    Mono<String> thread() {
      return Mono.fromSupplier(() -> Thread.currentThread().getName());
    }
  }
}
