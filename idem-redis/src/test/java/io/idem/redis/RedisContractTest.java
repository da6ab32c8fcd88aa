package io.idem.redis;

import io.idem.testkit.IdempotencyStoreContract;
import io.idem.testkit.LeasedFixture;
import io.idem.testkit.TestRedis;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.TestInstance;

/** The store on one server and on a cluster, seen by two nodes with a client each. */
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
