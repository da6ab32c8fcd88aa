package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.http.HttpIdempotency;
import io.idem.redis.RedisIdempotencyStore;
import io.idem.spring.Idempotent;
import io.idem.testkit.TestRedis;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Protected endpoints of two nodes with one Redis and no database. */
class RedisEndpointTest {

  private static final String NAMESPACE = UUID.randomUUID().toString();
  private static final long BOUND = 30;
  private static final int WAKES = 40;
  private static final Duration ALLOWED = Duration.ofSeconds(10);

  private static ConfigurableApplicationContext one;
  private static ConfigurableApplicationContext other;
  private final HttpClient client = HttpClient.newHttpClient();

  @BeforeAll
  static void start() {
    one = node();
    other = node();
  }

  @AfterAll
  static void stop() {
    one.close();
    other.close();
  }

  @Test
  void aRepeatAtAnotherNodeIsReplayed() throws Exception {
    String key = UUID.randomUUID().toString();

    HttpResponse<String> first = post(one, "/free", key).get(BOUND, TimeUnit.SECONDS);
    HttpResponse<String> repeat = post(other, "/free", key).get(BOUND, TimeUnit.SECONDS);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(repeat.statusCode()).isEqualTo(200);
    assertThat(repeat.body()).isEqualTo(first.body());
    assertThat(repeat.headers().firstValue(HttpIdempotency.REPLAYED_HEADER)).hasValue("true");
    assertThat(post(other, "/free?x=1", key).get(BOUND, TimeUnit.SECONDS).statusCode())
        .isEqualTo(422);
  }

  /**
   * The signal is what makes a waiter look. By itself it would look after half a second or more,
   * once it has looked a few times: {@value #WAKES} looks would take it longer than is allowed.
   */
  @Test
  void aWaiterAtAnotherNodeLooksWhenItIsWoken() throws Exception {
    String key = UUID.randomUUID().toString();
    Handler handler = one.getBean(Handler.class);
    WatchedStore store = other.getBean(WatchedStore.class);
    CompletableFuture<HttpResponse<String>> first = post(one, "/held", key);
    CompletableFuture<HttpResponse<String>> repeat;
    try {
      assertThat(handler.entered.tryAcquire(BOUND, TimeUnit.SECONDS)).isTrue();
      repeat = post(other, "/held", key);
      assertThat(store.signals.tryAcquire(BOUND, TimeUnit.SECONDS)).as("listens").isTrue();

      store.claims.drainPermits();
      long start = System.nanoTime();
      for (int i = 0; i < WAKES; i++) {
        store.wake();
        assertThat(store.claims.tryAcquire(BOUND, TimeUnit.SECONDS)).as("looks").isTrue();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(ALLOWED);
      }
      store.signals.drainPermits();
    } finally {
      handler.mayLeave.release();
    }

    assertThat(repeat.get(BOUND, TimeUnit.SECONDS).body())
        .isEqualTo(first.get(BOUND, TimeUnit.SECONDS).body());
    assertThat(store.signals.tryAcquire(BOUND, TimeUnit.SECONDS))
        .as("Redis told of the completion")
        .isTrue();
  }

  private CompletableFuture<HttpResponse<String>> post(
      ConfigurableApplicationContext node, String path, String key) {
    URI base =
        URI.create("http://127.0.0.1:" + node.getEnvironment().getProperty("local.server.port"));
    return client.sendAsync(
        HttpRequest.newBuilder(base.resolve("/runs" + path))
            .header("Idempotency-Key", key)
            .POST(BodyPublishers.noBody())
            .build(),
        BodyHandlers.ofString());
  }

  private static ConfigurableApplicationContext node() {
    return new SpringApplicationBuilder(Application.class)
        .properties(
            "server.port=0",
            "server.address=127.0.0.1",
            "spring.main.banner-mode=off",
            "spring.autoconfigure.exclude=org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration",
            "spring.data.redis.url=" + TestRedis.standalone(),
            "idem.store=redis",
            "idem.namespace=" + NAMESPACE)
        .run();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import(Handler.class)
  static class Application {

    @Bean
    static BeanPostProcessor watchedStore() {
      return new BeanPostProcessor() {
        @Override
        public Object postProcessAfterInitialization(Object bean, String name) {
          return bean instanceof RedisIdempotencyStore store ? new WatchedStore(store) : bean;
        }
      };
    }
  }

  @RestController
  static class Handler {

    private final Semaphore entered = new Semaphore(0);
    private final Semaphore mayLeave = new Semaphore(0);

    @PostMapping("/runs/{path}")
    @Idempotent(caller = Idempotent.Caller.SHARED, waitAtMost = "60s")
    public String run(@PathVariable String path) throws InterruptedException {
      if (path.equals("held")) {
        entered.release();
        if (!mayLeave.tryAcquire(2 * BOUND, TimeUnit.SECONDS)) {
          throw new IllegalStateException("nobody let it go");
        }
      }
      return UUID.randomUUID().toString();
    }
  }

  /** Counts what the engine asks of the store, and what the store tells the engine. */
  static final class WatchedStore implements IdempotencyStore, CompletionSignal {

    private final RedisIdempotencyStore store;
    private final Semaphore claims = new Semaphore(0);
    private final Semaphore signals = new Semaphore(0);
    private final AtomicReference<Runnable> waiter = new AtomicReference<>(() -> {});

    WatchedStore(RedisIdempotencyStore store) {
      this.store = store;
    }

    void wake() {
      waiter.get().run();
    }

    @Override
    public Claim claim(ClaimRequest request) {
      Claim claim = store.claim(request);
      claims.release();
      return claim;
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      return store.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return store.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return store.renew(lease, leaseFor);
    }

    @Override
    public @Nullable Watch watch(RecordId id, Runnable wake) {
      waiter.set(wake);
      return store.watch(
          id,
          () -> {
            wake.run();
            signals.release();
          });
    }
  }
}
