package io.idem.redis;

import org.junit.jupiter.api.Nested;

/** What is tested on Redis 6.2, on the Redis 7.0 to 8.3 that is installed. */
class RecentRedisTest {

  @Nested
  class Batches extends RedisBatchTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }

  @Nested
  class Failures extends RedisFailuresTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }

  @Nested
  class RoundTrips extends RoundTripsTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }

  @Nested
  class Stages extends StagesTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }

  @Nested
  class StoredFormat extends StoredFormatTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }

  @Nested
  class Waking extends WakingTest {
    @Override
    Servers servers() {
      return Servers.RECENT;
    }
  }
}
