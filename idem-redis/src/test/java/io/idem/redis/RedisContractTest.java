package io.idem.redis;

import io.idem.testkit.AsyncStoreContract;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TestRedis;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/**
 * The store on one server and on a cluster, seen by two nodes with a client each: on Redis 6.2,
 * where everything is a script, on Redis 7, where a claim begins with a plain command, and on Redis
 * 8.4 and Valkey, where a completion does too.
 */
class RedisContractTest {

  @Nested
  class Standalone extends OnRedis {
    Standalone() {
      super(() -> TestNode.to(TestRedis.standalone()));
    }
  }

  @Nested
  class Cluster extends OnRedis {
    Cluster() {
      super(() -> TestNode.toCluster(TestRedis.cluster()));
    }
  }

  @Nested
  class StandaloneRecent extends OnRedis {
    StandaloneRecent() {
      super(() -> TestNode.to(TestRedis.recent()));
    }
  }

  @Nested
  class ClusterRecent extends OnRedis {
    ClusterRecent() {
      super(() -> TestNode.toCluster(TestRedis.recentCluster()));
    }
  }

  @Nested
  class StandaloneRedis8 extends OnRedis {
    StandaloneRedis8() {
      super(() -> TestNode.to(TestRedis.redis8()));
    }
  }

  @Nested
  class StandaloneValkey extends OnRedis {
    StandaloneValkey() {
      super(() -> TestNode.to(TestRedis.valkey()));
    }
  }

  @Nested
  class ClusterValkey extends OnRedis {
    ClusterValkey() {
      super(() -> TestNode.toCluster(TestRedis.valkeyCluster()));
    }
  }

  /** Every contract on one pair of nodes. */
  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnRedis {

    private final RedisFixture fixture;

    OnRedis(Supplier<TestNode> newNode) {
      fixture = new RedisFixture(newNode.get(), newNode.get());
    }

    @AfterAll
    void close() {
      fixture.close();
    }

    @Nested
    class Leased extends IdempotencyStoreContract {
      @Override
      protected LeasedFixture fixture() {
        return fixture;
      }
    }

    @Nested
    class Batches extends BatchClaimsContract {
      @Override
      protected LeasedFixture fixture() {
        return fixture;
      }
    }

    @Nested
    class Stages extends AsyncStoreContract {
      @Override
      protected LeasedFixture fixture() {
        return fixture;
      }
    }
  }
}
