package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Those who wait on another node. */
class WakingTest {

  private static final long BOUND = 20;

  Servers servers() {
    return Servers.EMBEDDED;
  }

  @Test
  void completionReleaseAndGivingUpAreSignalledStandalone() throws Exception {
    try (TestNode here = TestNode.to(servers().standalone());
        TestNode there = TestNode.to(servers().standalone())) {
      assertSignals(here.store(), there.store());
    }
  }

  @Test
  void completionReleaseAndGivingUpAreSignalledInACluster() throws Exception {
    try (TestNode here = TestNode.toCluster(servers().cluster());
        TestNode there = TestNode.toCluster(servers().cluster())) {
      for (int i = 0; i < 5; i++) { // on whatever nodes the keys are
        assertSignals(here.store(), there.store());
      }
    }
  }

  /** What docs/redis.md names, its server allows, and nothing else. */
  @Test
  void aUserWhoMayDoNoMoreThanTheStoreNeedsIsSignalledToo() throws Exception {
    String user = "idem-" + Requests.newId();
    String rules =
        "SETUSER "
            + user
            + " on nopass resetchannels ~idem:* &idem:*"
            + " +evalsha +eval +set +info +subscribe +unsubscribe"
            + " +get +setrange +del +pttl +pexpire +time +publish";
    String url = servers().standalone().replace("://", "://" + user + ":any@");
    try (TestNode admin = TestNode.to(servers().standalone())) {
      admin.send("ACL", rules.split(" "));
      try (TestNode here = TestNode.to(url);
          TestNode there = TestNode.to(url)) {
        assertThatThrownBy(() -> here.send("PING")).hasMessageContaining("NOPERM");
        assertSignals(here.store(), there.store());
      } finally {
        admin.send("ACL", "DELUSER", user);
      }
    }
  }

  private static void assertSignals(RedisIdempotencyStore here, RedisIdempotencyStore there)
      throws InterruptedException {
    assertSignal(
        there,
        lease(here),
        lease -> here.complete(lease, StoredOutcome.done(), Requests.RETENTION));
    assertSignal(there, lease(here), here::release);
    assertSignal(there, lease(here), lease -> here.renew(lease, Duration.ZERO));
  }

  private static void assertSignal(RedisIdempotencyStore there, Lease lease, Consumer<Lease> change)
      throws InterruptedException {
    Semaphore woken = new Semaphore(0);
    try (var watch = there.watch(lease.id(), woken::release)) {
      assertThat(watch).isNotNull();
      assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it listens").isTrue();
      assertThat(there.claim(Requests.claimOf(lease.id()))).isInstanceOf(Claim.Running.class);
      change.accept(lease);
      assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it is woken").isTrue();
    }
  }

  private static Lease lease(RedisIdempotencyStore store) {
    RecordId id = Requests.newId();
    return ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
  }

  @Test
  void aRunThatNobodyFoundIsNotSignalledAndARenewalOrTakeOverKeepsTheMark() throws Exception {
    try (TestNode here = TestNode.to(servers().standalone());
        TestNode there = TestNode.to(servers().standalone())) {
      RedisIdempotencyStore store = here.store();
      RedisIdempotencyStore other = there.store();
      Lease alone = lease(store);
      Lease found = lease(store);
      Semaphore unmarked = new Semaphore(0);
      Semaphore marked = new Semaphore(0);
      try (var one = other.watch(alone.id(), unmarked::release);
          var two = other.watch(found.id(), marked::release)) {
        assertThat(one).isNotNull();
        assertThat(two).isNotNull();
        assertThat(unmarked.tryAcquire(BOUND, TimeUnit.SECONDS)).isTrue();
        assertThat(marked.tryAcquire(BOUND, TimeUnit.SECONDS)).isTrue();
        other.claim(Requests.claimOf(found.id()));
        store.renew(found, Duration.ofSeconds(30));
        here.age(found.id(), Duration.ofSeconds(31));
        Lease taken = ((Claim.Acquired) store.claim(Requests.takeOverOf(found.id()))).lease();

        store.complete(alone, StoredOutcome.done(), Requests.RETENTION);
        store.complete(taken, StoredOutcome.done(), Requests.RETENTION);
        assertThat(marked.tryAcquire(BOUND, TimeUnit.SECONDS)).isTrue();
        assertThat(unmarked.availablePermits()).as("messages come in order").isZero();
      }
    }
  }

  @Test
  void withoutSignalsNobodyListens() {
    try (TestNode node = TestNode.to(servers().standalone())) {
      RedisIdempotencyStore silent =
          new RedisIdempotencyStore(node.redis(), RedisSettings.defaults().withWakeWaiters(false));
      assertThat(silent.watch(Requests.newId(), () -> {})).isNull();
    }
  }

  @Test
  void aWaiterOnAnotherNodeIsAnsweredEvenIfEveryMessageIsLost() throws Exception {
    for (boolean lost : new boolean[] {false, true}) {
      ExecutorService threads = Executors.newCachedThreadPool();
      try (TestNode here = TestNode.to(servers().standalone());
          TestNode there = TestNode.to(servers().standalone());
          Idempotency first = engine(here.redis());
          Idempotency second = engine(lost ? deaf(there.redis()) : there.redis())) {
        IdempotentRequest key = IdempotentRequest.of(UUID.randomUUID().toString());
        CountDownLatch running = new CountDownLatch(1);
        CountDownLatch end = new CountDownLatch(1);
        CompletableFuture<Execution<String>> ran =
            CompletableFuture.supplyAsync(
                () ->
                    operation(first)
                        .execute(
                            key,
                            attempt -> {
                              running.countDown();
                              awaitQuietly(end);
                              return "first";
                            }),
                threads);
        assertThat(running.await(BOUND, TimeUnit.SECONDS)).isTrue();
        CompletableFuture<Execution<String>> waiter =
            CompletableFuture.supplyAsync(
                () -> operation(second).execute(key, attempt -> "second"), threads);
        end.countDown();
        assertThat(waiter.get(BOUND, TimeUnit.SECONDS).orElseThrow()).isEqualTo("first");
        assertThat(ran.get(BOUND, TimeUnit.SECONDS)).isInstanceOf(Execution.Ran.class);
      } finally {
        threads.shutdownNow();
      }
    }
  }

  private static Idempotency engine(RedisPort redis) {
    return Idempotency.builder().store(new RedisIdempotencyStore(redis)).build();
  }

  private static RedisPort deaf(RedisPort redis) {
    return new RedisPort() {
      @Override
      public Object execute(RedisCommand command) {
        return redis.execute(command);
      }

      @Override
      public RedisChannels listen(Consumer<byte[]> listener) {
        return redis.listen(channel -> {});
      }
    };
  }

  private static Operation<String> operation(Idempotency idempotency) {
    return idempotency
        .operation("charge", String.class)
        .waitAtMost(Duration.ofSeconds(BOUND))
        .build();
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      if (!latch.await(BOUND, TimeUnit.SECONDS)) {
        throw new AssertionError("Nobody ended the run");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
