package io.idem.redis;

import org.junit.jupiter.api.Nested;

/** What is tested on Redis 6.2, on the Valkey that compares before it sets. */
class ValkeyTest {

  @Nested
  class Batches extends RedisBatchTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }

  @Nested
  class Failures extends RedisFailuresTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }

  @Nested
  class RoundTrips extends RoundTripsTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }

  @Nested
  class Stages extends StagesTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }

  @Nested
  class StoredFormat extends StoredFormatTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }

  @Nested
  class Waking extends WakingTest {
    @Override
    Servers servers() {
      return Servers.VALKEY;
    }
  }
}
