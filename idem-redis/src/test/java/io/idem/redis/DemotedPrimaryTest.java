package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.StoreUnavailableException;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.SocketAddressResolver;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A primary becomes a replica while it is connected to, and its name leads to another server. */
class DemotedPrimaryTest {

  private static final Duration BOUND = Duration.ofSeconds(60);

  enum Ask {
    ONE(store -> assertGranted(store.claim(Requests.claimOf(Requests.newId())))),
    BATCH(
        store ->
            assertGranted(
                ((BatchClaims) store)
                    .claimAll(List.of(Requests.claimOf(Requests.newId())))
                    .get(0))),
    ASYNC(
        store ->
            assertGranted(
                store
                    .capability(AsyncStore.class)
                    .orElseThrow()
                    .claimAsync(Requests.claimOf(Requests.newId()))
                    .toCompletableFuture()
                    .join()));

    private final Consumer<RedisIdempotencyStore> ask;

    Ask(Consumer<RedisIdempotencyStore> ask) {
      this.ask = ask;
    }

    private static void assertGranted(Claim claim) {
      assertThat(claim).isInstanceOf(Claim.Acquired.class);
    }
  }

  @ParameterizedTest
  @EnumSource(Ask.class)
  void theStoreGoesToThePrimaryOfNow(Ask ask) {
    try (TestRedis.Server before = TestRedis.start();
        TestRedis.Server after = TestRedis.start()) {
      AtomicReference<TestRedis.Server> named = new AtomicReference<>(before);
      ClientResources resources =
          ClientResources.builder().socketAddressResolver(new Named(named)).build();
      try (TestNode node =
              TestNode.to(RedisClient.create(resources, "redis://primary"), TestNode.TIMEOUT);
          TestNode aside = TestNode.to(before.url())) {
        RedisIdempotencyStore store = node.store();
        ask.ask.accept(store);

        named.set(after);
        ask.ask.accept(store); // the connection is there
        aside.send("REPLICAOF", "127.0.0.1", "" + after.port());

        assertThatThrownBy(() -> ask.ask.accept(store))
            .satisfiesAnyOf(
                e -> assertThat(e).isInstanceOf(StoreUnavailableException.class),
                e -> assertThat(e).hasCauseInstanceOf(StoreUnavailableException.class));
        awaitUntilItIsAnswered(store, ask);
      } finally {
        resources.shutdown(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
      }
    }
  }

  private static void awaitUntilItIsAnswered(RedisIdempotencyStore store, Ask ask) {
    long end = System.nanoTime() + BOUND.toNanos();
    while (true) {
      try {
        ask.ask.accept(store);
        return;
      } catch (RuntimeException e) {
        assertThat(System.nanoTime()).as("it is not answered: %s", e).isLessThan(end);
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  /** A name that leads elsewhere from one moment to the next. */
  private static final class Named extends SocketAddressResolver {

    private final AtomicReference<TestRedis.Server> server;

    Named(AtomicReference<TestRedis.Server> server) {
      this.server = server;
    }

    @Override
    public SocketAddress resolve(RedisURI uri) {
      return new InetSocketAddress("127.0.0.1", server.get().port());
    }
  }
}
