package io.idem.core;

import org.junit.jupiter.api.Nested;

/** What holds of requests that wait on their caller's thread, of those that hold none. */
class AsyncModeTest {

  @Nested
  class LeasedMode extends LeasedModeTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class Waiting extends WaitingTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class SingleFlight extends SingleFlightTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class StoreFailure extends StoreFailureTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class AbandonedKeys extends AbandonedKeysTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class KeySpace extends KeySpaceTest {
    @Override
    Runner runner() {
      return Runner.ASYNC;
    }
  }

  @Nested
  class LeasedModeMinimal extends LeasedModeTest {
    @Override
    Runner runner() {
      return Runner.MINIMAL;
    }
  }

  @Nested
  class LeasedModeOffloaded extends LeasedModeTest {
    @Override
    Runner runner() {
      return Runner.OFFLOADED;
    }
  }

  @Nested
  class WaitingOffloaded extends WaitingTest {
    @Override
    Runner runner() {
      return Runner.OFFLOADED;
    }
  }

  @Nested
  class SingleFlightOffloaded extends SingleFlightTest {
    @Override
    Runner runner() {
      return Runner.OFFLOADED;
    }
  }

  @Nested
  class StoreFailureOffloaded extends StoreFailureTest {
    @Override
    Runner runner() {
      return Runner.OFFLOADED;
    }
  }

  @Nested
  class AbandonedKeysOffloaded extends AbandonedKeysTest {
    @Override
    Runner runner() {
      return Runner.OFFLOADED;
    }
  }
}
