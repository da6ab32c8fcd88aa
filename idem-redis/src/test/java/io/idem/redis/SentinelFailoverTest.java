package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.store.Claim;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.RecordId;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import io.lettuce.core.RedisClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** A primary dies: what goes on, and what is lost with it. */
class SentinelFailoverTest {

  private static final Duration BOUND = Duration.ofSeconds(60);

  @Test
  void writesGoOnAfterAFailoverAndWhatWasNotReplicatedIsLost() {
    try (TestRedis.Sentinels servers = TestRedis.startSentinels();
        TestNode node = TestNode.to(RedisClient.create(servers.url()), Duration.ofMillis(500))) {
      try (TestNode toReplica = TestNode.to(servers.replica().url())) {
        awaitUntil("the replica follows", () -> info(toReplica).contains("master_link_status:up"));
      }
      awaitUntil(
          "all Sentinels know the replica",
          () ->
              servers.sentinelUrls().stream()
                  .allMatch(SentinelFailoverTest::knowsReplicaAndOthers));
      RedisIdempotencyStore store = node.store();
      Lease completed = acquire(store, Requests.newId());
      store.complete(completed, StoredOutcome.done(), Requests.RETENTION);
      Lease running = acquire(store, Requests.newId());
      assertThat(node.send("WAIT", "1", "5000")).as("replicas that have it").isEqualTo(1L);

      RecordId unreplicated = Requests.newId();
      try (TestNode toReplica = TestNode.to(servers.replica().url())) {
        // From here on the replica does not hear of what the primary acknowledges.
        toReplica.send("CONFIG", "SET", "masterauth", "wrong");
        toReplica.send("CLIENT", "KILL", "TYPE", "master");
        node.send("CONFIG", "SET", "requirepass", "cut-off");
        acquire(store, unreplicated);
      }
      servers.primary().close();

      awaitUntil(
          "a claim is answered again",
          () -> {
            try {
              store.claim(Requests.claimOf(completed.id()));
              return true;
            } catch (StoreUnavailableException e) {
              return false;
            }
          });
      assertThat(store.claim(Requests.claimOf(completed.id()))).isInstanceOf(Claim.Completed.class);
      assertThat(store.complete(running, StoredOutcome.done(), Requests.RETENTION))
          .isEqualTo(LeaseCheck.HELD);
      assertThat(store.claim(Requests.claimOf(unreplicated)))
          .as("the claim that the dead primary had acknowledged is lost, and given again")
          .isInstanceOf(Claim.Acquired.class);
    }
  }

  private static Lease acquire(RedisIdempotencyStore store, RecordId id) {
    return ((Claim.Acquired) store.claim(Requests.claimOf(id))).lease();
  }

  private static String info(TestNode node) {
    return new String((byte[]) node.send("INFO"), StandardCharsets.UTF_8);
  }

  private static boolean knowsReplicaAndOthers(String url) {
    try (TestNode sentinel = TestNode.to(url)) {
      return info(sentinel).contains("slaves=1,sentinels=3");
    }
  }

  private static void awaitUntil(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + BOUND.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }
}
