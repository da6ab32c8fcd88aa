package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Execution;
import io.idem.core.Idempotency;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import io.idem.core.store.Claim;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisURI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
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

  /** From Redis 7 on, a new user may use no channel. What a run comes to does not depend on one. */
  @Test
  void aUserWithoutTheChannelsIsNotSignalledButKeepsAndFreesKeys() {
    String user = "idem-" + Requests.newId();
    String url = servers().standalone().replace("://", "://" + user + ":any@");
    try (TestNode admin = TestNode.to(servers().standalone())) {
      admin.send("ACL", "SETUSER", user, "on", "nopass", "resetchannels", "~idem:*", "+@all");
      try (TestNode node = TestNode.to(url)) {
        RedisIdempotencyStore store = node.store();
        Lease completed = found(store);
        assertThat(store.complete(completed, StoredOutcome.done(), Requests.RETENTION))
            .isEqualTo(LeaseCheck.HELD);
        assertThat(store.claim(Requests.claimOf(completed.id())))
            .isInstanceOf(Claim.Completed.class);
        Lease released = found(store);
        assertThat(store.release(released)).isEqualTo(LeaseCheck.HELD);
        assertThat(store.claim(Requests.claimOf(released.id()))).isInstanceOf(Claim.Acquired.class);
        Lease givenUp = found(store);
        assertThat(store.renew(givenUp, Duration.ZERO)).isEqualTo(LeaseCheck.HELD);
        assertThat(store.claim(Requests.claimOf(givenUp.id()))).isInstanceOf(Claim.Abandoned.class);
      } finally {
        admin.send("ACL", "DELUSER", user);
      }
    }
  }

  /** The lease of a run that somebody else has found. */
  private static Lease found(RedisIdempotencyStore store) {
    Lease lease = lease(store);
    assertThat(store.claim(Requests.claimOf(lease.id()))).isInstanceOf(Claim.Running.class);
    return lease;
  }

  /** The client's own timeout ends an UNSUBSCRIBE that waits for the server to come back. */
  @Test
  void nobodyGoesOnListeningWhereTheWaitEndedDuringAnOutage() throws Exception {
    try (TestRedis.Server mortal = servers().start();
        TestNode node = impatient(mortal.url())) {
      RedisIdempotencyStore store = node.store();
      Semaphore told = new Semaphore(0);
      List<CompletionSignal.Watch> watches = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        watches.add(store.watch(Requests.newId(), told::release));
      }
      RecordId still = Requests.newId();
      Semaphore toldOfStill = new Semaphore(0);
      try (var watch = store.watch(still, toldOfStill::release)) {
        assertThat(watch).isNotNull();
        assertThat(told.tryAcquire(10, BOUND, TimeUnit.SECONDS)).as("it listens").isTrue();
        assertThat(toldOfStill.tryAcquire(BOUND, TimeUnit.SECONDS)).isTrue();
        mortal.kill();
        assertThatThrownBy(() -> store.claim(Requests.claimOf(still)))
            .isInstanceOf(StoreUnavailableException.class);
        watches.forEach(CompletionSignal.Watch::close);
        // This takes longer than the client lets the commands wait that end the watches.
        assertThatThrownBy(() -> store.claim(Requests.claimOf(still)))
            .isInstanceOf(StoreUnavailableException.class);
        mortal.restart();
        assertThat(toldOfStill.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it is back").isTrue();
        try (TestNode fresh = TestNode.to(mortal.url())) {
          await(
              "who is listened to", () -> ((List<?>) fresh.send("PUBSUB", "CHANNELS")).size() == 1);
        }
      }
    }
  }

  @Test
  void twoStoresOnOneConnectionDoNotDeafenEachOther() throws Exception {
    try (TestNode here = TestNode.to(servers().standalone());
        TestNode there = TestNode.to(servers().standalone())) {
      RedisIdempotencyStore owner = here.store();
      RedisIdempotencyStore one = there.store();
      RedisIdempotencyStore other = there.store();
      Lease lease = lease(owner);
      Semaphore woken = new Semaphore(0);
      Semaphore passing = new Semaphore(0);
      try (var watch = one.watch(lease.id(), woken::release)) {
        assertThat(watch).isNotNull();
        assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it listens").isTrue();
        try (var second = other.watch(lease.id(), passing::release)) {
          assertThat(second).isNotNull();
          assertThat(passing.tryAcquire(BOUND, TimeUnit.SECONDS)).as("so does it").isTrue();
        }
        assertThat(one.claim(Requests.claimOf(lease.id()))).isInstanceOf(Claim.Running.class);
        woken.drainPermits();
        owner.complete(lease, StoredOutcome.done(), Requests.RETENTION);
        assertThat(woken.tryAcquire(BOUND, TimeUnit.SECONDS)).as("it is woken").isTrue();
      }
    }
  }

  private static TestNode impatient(String url) {
    RedisURI uri = RedisURI.create(url);
    uri.setTimeout(Duration.ofMillis(300));
    return TestNode.to(RedisClient.create(uri), Duration.ofMillis(500));
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(BOUND);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
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
