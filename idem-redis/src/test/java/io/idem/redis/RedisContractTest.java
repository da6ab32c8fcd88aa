package io.idem.redis;

import io.idem.core.store.BatchClaims;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.RecordId;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.TestRedis;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/**
 * The store on one server and on a cluster, seen by two nodes with a client each: on Redis 6.2,
 * where a claim is a script, and on Redis 7, where it begins with a plain command.
 */
class RedisContractTest {

  @Nested
  class Standalone extends OnRedis {
    Standalone() {
      super(TestNode.to(TestRedis.standalone()), TestNode.to(TestRedis.standalone()));
    }
  }

  @Nested
  class Cluster extends OnRedis {
    Cluster() {
      super(TestNode.toCluster(TestRedis.cluster()), TestNode.toCluster(TestRedis.cluster()));
    }
  }

  @Nested
  class StandaloneRecent extends OnRedis {
    StandaloneRecent() {
      super(TestNode.to(TestRedis.recent()), TestNode.to(TestRedis.recent()));
    }
  }

  @Nested
  class ClusterRecent extends OnRedis {
    ClusterRecent() {
      super(
          TestNode.toCluster(TestRedis.recentCluster()),
          TestNode.toCluster(TestRedis.recentCluster()));
    }
  }

  @Nested
  class BatchesStandalone extends BatchesOnRedis {
    BatchesStandalone() {
      super(TestNode.to(TestRedis.standalone()), TestNode.to(TestRedis.standalone()));
    }
  }

  @Nested
  class BatchesOnACluster extends BatchesOnRedis {
    BatchesOnACluster() {
      super(TestNode.toCluster(TestRedis.cluster()), TestNode.toCluster(TestRedis.cluster()));
    }
  }

  @Nested
  class BatchesStandaloneRecent extends BatchesOnRedis {
    BatchesStandaloneRecent() {
      super(TestNode.to(TestRedis.recent()), TestNode.to(TestRedis.recent()));
    }
  }

  @Nested
  class BatchesOnARecentCluster extends BatchesOnRedis {
    BatchesOnARecentCluster() {
      super(
          TestNode.toCluster(TestRedis.recentCluster()),
          TestNode.toCluster(TestRedis.recentCluster()));
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class BatchesOnRedis extends BatchClaimsContract {

    private final TestNode node;
    private final TestNode other;
    private final RedisIdempotencyStore store;
    private final RedisIdempotencyStore otherStore;

    BatchesOnRedis(TestNode node, TestNode other) {
      this.node = node;
      this.other = other;
      this.store = node.store();
      this.otherStore = other.store();
    }

    @AfterAll
    void close() {
      node.close();
      other.close();
    }

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected BatchClaims batches() {
      return store;
    }

    @Override
    protected BatchClaims otherBatches() {
      return otherStore;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      node.age(id, by);
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnRedis extends IdempotencyStoreContract {

    private final TestNode node;
    private final TestNode other;
    private final IdempotencyStore store;
    private final IdempotencyStore otherStore;

    OnRedis(TestNode node, TestNode other) {
      this.node = node;
      this.other = other;
      this.store = node.store();
      this.otherStore = other.store();
    }

    @AfterAll
    void close() {
      node.close();
      other.close();
    }

    @Override
    protected IdempotencyStore store() {
      return store;
    }

    @Override
    protected IdempotencyStore otherStore() {
      return otherStore;
    }

    @Override
    protected void age(RecordId id, Duration by) {
      node.age(id, by);
    }
  }
}
