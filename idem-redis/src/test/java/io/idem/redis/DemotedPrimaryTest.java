package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.AsyncStore;
import io.idem.core.store.BatchClaims;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.StoreUnavailableException;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.SocketAddressResolver;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A primary becomes a replica while it is connected to, and its name leads to another server. */
class DemotedPrimaryTest {

  private static final Duration BOUND = Duration.ofSeconds(60);

  private static final AtomicReference<TestRedis.Server> NAMED = new AtomicReference<>();

  /** Their threads end with the process. */
  private static final ClientResources RESOURCES =
      ClientResources.builder().socketAddressResolver(new Named()).build();

  enum Ask {
    ONE,
    BATCH,
    ASYNC;

    void of(RedisIdempotencyStore store) {
      ClaimRequest request = Requests.claimOf(Requests.newId());
      assertThat(
              switch (this) {
                case ONE -> store.claim(request);
                case BATCH -> ((BatchClaims) store).claimAll(List.of(request)).get(0);
                case ASYNC ->
                    store
                        .capability(AsyncStore.class)
                        .orElseThrow()
                        .claimAsync(request)
                        .toCompletableFuture()
                        .join();
              })
          .isInstanceOf(Claim.Acquired.class);
    }
  }

  @ParameterizedTest
  @EnumSource(Ask.class)
  void theStoreGoesToThePrimaryOfNow(Ask ask) {
    try (TestRedis.Server before = TestRedis.start();
        TestRedis.Server after = TestRedis.start()) {
      NAMED.set(before);
      try (TestNode node =
              TestNode.to(RedisClient.create(RESOURCES, "redis://primary"), TestNode.TIMEOUT);
          TestNode aside = TestNode.to(before.url())) {
        RedisIdempotencyStore store = node.store();
        ask.of(store);

        NAMED.set(after);
        ask.of(store); // the connection is there
        aside.send("REPLICAOF", "127.0.0.1", "" + after.port());

        assertThatThrownBy(() -> ask.of(store))
            .satisfiesAnyOf(
                e -> assertThat(e).isInstanceOf(StoreUnavailableException.class),
                e -> assertThat(e).hasCauseInstanceOf(StoreUnavailableException.class));
        awaitUntilItIsAnswered(store, ask);
      }
    }
  }

  private static void awaitUntilItIsAnswered(RedisIdempotencyStore store, Ask ask) {
    long end = System.nanoTime() + BOUND.toNanos();
    while (true) {
      try {
        ask.of(store);
        return;
      } catch (RuntimeException e) {
        assertThat(System.nanoTime()).as("it is not answered: %s", e).isLessThan(end);
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  /** A name that leads elsewhere from one moment to the next. */
  private static final class Named extends SocketAddressResolver {

    @Override
    public SocketAddress resolve(RedisURI uri) {
      return new InetSocketAddress(InetAddress.getLoopbackAddress(), NAMED.get().port());
    }
  }
}
