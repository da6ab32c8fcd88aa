package io.idem.redis;

import io.idem.testkit.AsyncStoreContract;
import io.idem.testkit.BatchClaimsContract;
import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TestRedis;
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

  @Nested
  class StagesStandalone extends StagesOnRedis {
    StagesStandalone() {
      super(TestNode.to(TestRedis.standalone()), TestNode.to(TestRedis.standalone()));
    }
  }

  @Nested
  class StagesOnACluster extends StagesOnRedis {
    StagesOnACluster() {
      super(TestNode.toCluster(TestRedis.cluster()), TestNode.toCluster(TestRedis.cluster()));
    }
  }

  @Nested
  class StagesStandaloneRecent extends StagesOnRedis {
    StagesStandaloneRecent() {
      super(TestNode.to(TestRedis.recent()), TestNode.to(TestRedis.recent()));
    }
  }

  @Nested
  class StagesOnARecentCluster extends StagesOnRedis {
    StagesOnARecentCluster() {
      super(
          TestNode.toCluster(TestRedis.recentCluster()),
          TestNode.toCluster(TestRedis.recentCluster()));
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class StagesOnRedis extends AsyncStoreContract {

    private final RedisFixture fixture;

    StagesOnRedis(TestNode here, TestNode there) {
      fixture = new RedisFixture(here, there);
    }

    @AfterAll
    void close() {
      fixture.close();
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class BatchesOnRedis extends BatchClaimsContract {

    private final RedisFixture fixture;

    BatchesOnRedis(TestNode here, TestNode there) {
      fixture = new RedisFixture(here, there);
    }

    @AfterAll
    void close() {
      fixture.close();
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }

  @TestInstance(TestInstance.Lifecycle.PER_CLASS)
  abstract static class OnRedis extends IdempotencyStoreContract {

    private final RedisFixture fixture;

    OnRedis(TestNode here, TestNode there) {
      fixture = new RedisFixture(here, there);
    }

    @AfterAll
    void close() {
      fixture.close();
    }

    @Override
    protected LeasedFixture fixture() {
      return fixture;
    }
  }
}
