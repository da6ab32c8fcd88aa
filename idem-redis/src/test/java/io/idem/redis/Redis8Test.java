package io.idem.redis;

import org.junit.jupiter.api.Nested;

/** What is tested on Redis 6.2, on the Redis that compares before it sets. */
class Redis8Test {

  @Nested
  class Batches extends RedisBatchTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class Failures extends RedisFailuresTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class RoundTrips extends RoundTripsTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class Stages extends StagesTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class StoredFormat extends StoredFormatTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class Waking extends WakingTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }

  @Nested
  class PlainCompletion extends PlainCompletionTest {
    @Override
    Servers servers() {
      return Servers.REDIS8;
    }
  }
}
