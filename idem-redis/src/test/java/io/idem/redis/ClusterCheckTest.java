package io.idem.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.Claim;
import io.idem.core.store.StoreUnavailableException;
import io.idem.testkit.Requests;
import io.idem.testkit.TestRedis;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Which nodes of a cluster a store depends on. */
class ClusterCheckTest {

  private static final Duration BOUND = Duration.ofSeconds(60);

  private static TestRedis.Server node() {
    // Without the last one, a replica whose elections came to nothing for 20 seconds, because the
    // others had no processor, never stands again.
    return TestRedis.start(
        "cluster-enabled yes", "cluster-node-timeout 1000", "cluster-replica-validity-factor 0");
  }

  /** It stays in the cluster's list, as a primary that has failed and has no slots. */
  @Test
  void aPrimaryThatDiedAndWasReplacedKeepsNobodyFromStarting() {
    try (TestRedis.Server one = node();
        TestRedis.Server two = node();
        TestRedis.Server mortal = node();
        TestRedis.Server heir = node()) {
      form(List.of(one, two, mortal), heir);
      mortal.kill();
      for (TestRedis.Server each : List.of(one, two, heir)) { // Lettuce may ask any of them
        try (TestNode node = TestNode.to(each.url())) {
          await("the heir has the slots", () -> isWithoutSlots(mortal, node));
          await("it serves", () -> ask(node, "INFO").contains("state:ok"));
        }
      }
      try (TestNode node = TestNode.toCluster(one.url())) {
        RedisIdempotencyStore store = node.store();
        assertThatCode(store::check).doesNotThrowAnyException();
        for (int i = 0; i < 20; i++) { // on whatever nodes the keys are
          assertThat(store.claim(Requests.claimOf(Requests.newId())))
              .isInstanceOf(Claim.Acquired.class);
        }
        heir.kill();
        assertThatThrownBy(store::check).isInstanceOf(StoreUnavailableException.class);
      }
    }
  }

  @Test
  void aClusterThatHasNoSlotsYetIsRefused() {
    try (TestRedis.Server alone = node();
        TestNode node = TestNode.toCluster(alone.url())) {
      assertThatThrownBy(node::store)
          .isInstanceOf(StoreUnavailableException.class)
          .hasMessageContaining("slot");
    }
  }

  @Test
  void aPlainClientOfANodeThatSharesTheKeysIsRefused() {
    try (TestRedis.Server one = node();
        TestRedis.Server two = node();
        TestRedis.Server replica = node()) {
      form(List.of(one, two), replica);
      try (TestNode node = TestNode.to(one.url())) {
        await("it knows who has the rest", () -> ask(node, "INFO").contains("state:ok"));
        assertThatThrownBy(node::store)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("RedisClusterClient")
            .hasMessageContaining("spring.data.redis.cluster.nodes");
      }
    }
  }

  /** It needs nobody else for any key. */
  @Test
  void aPlainClientOfANodeThatHasAllKeysIsServed() {
    try (TestRedis.Server alone = node();
        TestNode node = TestNode.to(alone.url())) {
      node.send("CLUSTER", slots(0, 16_384));
      await("it serves", () -> ask(node, "INFO").contains("state:ok"));
      RedisIdempotencyStore store = node.store();
      assertThat(store.claim(Requests.claimOf(Requests.newId())))
          .isInstanceOf(Claim.Acquired.class);
    }
  }

  private static void form(List<TestRedis.Server> primaries, TestRedis.Server replica) {
    int share = 16_384 / primaries.size() + 1;
    for (int i = 0; i < primaries.size(); i++) {
      try (TestNode node = TestNode.to(primaries.get(i).url())) {
        int from = i * share;
        node.send("CLUSTER", slots(from, Math.min(from + share, 16_384)));
        node.send("CLUSTER", "MEET", "127.0.0.1", "" + replica.port());
      }
    }
    try (TestNode node = TestNode.to(replica.url())) {
      await("all know each other", () -> nodes(node).lines().count() == primaries.size() + 1);
      await("all slots are known", () -> ask(node, "INFO").contains("slots_assigned:16384"));
      try (TestNode last = TestNode.to(primaries.get(primaries.size() - 1).url())) {
        node.send("CLUSTER", "REPLICATE", ask(last, "MYID"));
        await("it is followed", () -> nodes(last).contains("slave"));
      }
      await("it serves", () -> ask(node, "INFO").contains("state:ok"));
      await(
          "it has all data",
          () ->
              new String((byte[]) node.send("INFO"), StandardCharsets.UTF_8)
                  .contains("master_link_status:up"));
    }
    for (TestRedis.Server each : primaries) {
      try (TestNode node = TestNode.to(each.url())) {
        await("each knows the replica", () -> nodes(node).contains("slave"));
      }
    }
  }

  private static String[] slots(int from, int to) {
    return Stream.concat(
            Stream.of("ADDSLOTS"), IntStream.range(from, to).mapToObj(Integer::toString))
        .toArray(String[]::new);
  }

  /**
   * Slots stand behind the state of the link, which is the last word where there are none. A node
   * that missed the verdict "fail" may stay with its own "fail?": it is gossip about nodes that
   * have slots.
   */
  private static boolean isWithoutSlots(TestRedis.Server dead, TestNode node) {
    return nodes(node)
        .lines()
        .filter(line -> line.contains(":" + dead.port() + "@"))
        .anyMatch(line -> line.matches(".* master,fail\\?? .*") && line.endsWith("connected"));
  }

  private static String nodes(TestNode node) {
    return ask(node, "NODES");
  }

  private static String ask(TestNode node, String what) {
    return new String((byte[]) node.send("CLUSTER", what), StandardCharsets.UTF_8);
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + BOUND.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(20_000_000);
    }
  }
}
