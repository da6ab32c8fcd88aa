package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.InMemoryStore;
import io.idem.core.Operation;
import io.idem.core.ResultCodec;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoredOutcome;
import io.idem.spring.IdempotencySetupException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** {@code idem.blocking-threads}. */
class BlockingThreadsTest {

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(AutoConfigurations.of(IdempotencyAutoConfiguration.class));

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void asynchronousCallsAskAStoreThatBlocksOnSoManyThreads(int threads) {
    BlockingStore store = new BlockingStore(threads);
    application
        .withBean(IdempotencyStore.class, () -> store)
        .withPropertyValues("idem.blocking-threads=" + threads)
        .run(
            context -> {
              Operation<String> charge =
                  context
                      .getBean(Idempotency.class)
                      .operation("charge", ResultCodec.utf8())
                      .build();
              List<CompletableFuture<Execution<String>>> calls =
                  IntStream.range(0, 4 * threads)
                      .mapToObj(
                          i ->
                              charge
                                  .executeAsync(
                                      IdempotentRequest.of("key " + i),
                                      attempt -> CompletableFuture.completedFuture("charged"))
                                  .toCompletableFuture())
                      .toList();
              for (CompletableFuture<Execution<String>> call : calls) {
                assertThat(call.get(30, TimeUnit.SECONDS)).isInstanceOf(Execution.Ran.class);
              }
            });

    assertThat(store.askedBy)
        .containsExactlyInAnyOrderElementsOf(
            IntStream.rangeClosed(1, threads).mapToObj(i -> "idem-blocking-" + i).toList());
    assertThat(store.endedBy)
        .isNotEmpty()
        .isSubsetOf(IntStream.rangeClosed(1, threads).mapToObj(i -> "idem-ending-" + i).toList());
  }

  @Test
  void withoutTheSettingThereAreThirtyTwo() {
    assertThat(new IdemProperties().getBlockingThreads()).isEqualTo(32);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1})
  void lessThanOneIsRefused(int threads) {
    application
        .withPropertyValues("idem.blocking-threads=" + threads)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .rootCause()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("idem.blocking-threads is " + threads));
  }

  /** Holds claims until as many threads as there may be are asking. */
  private static final class BlockingStore implements IdempotencyStore {

    private final InMemoryStore memory = new InMemoryStore();
    private final Set<String> askedBy = ConcurrentHashMap.newKeySet();
    private final Set<String> endedBy = ConcurrentHashMap.newKeySet();
    private final CountDownLatch all;

    BlockingStore(int threads) {
      this.all = new CountDownLatch(threads);
    }

    @Override
    public Claim claim(ClaimRequest request) {
      askedBy.add(Thread.currentThread().getName());
      all.countDown();
      try {
        assertThat(all.await(30, TimeUnit.SECONDS)).as("as many threads as configured").isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
      return memory.claim(request);
    }

    @Override
    public LeaseCheck complete(Lease lease, StoredOutcome outcome, Duration retention) {
      endedBy.add(Thread.currentThread().getName());
      return memory.complete(lease, outcome, retention);
    }

    @Override
    public LeaseCheck release(Lease lease) {
      return memory.release(lease);
    }

    @Override
    public LeaseCheck renew(Lease lease, Duration leaseFor) {
      return memory.renew(lease, leaseFor);
    }
  }
}
