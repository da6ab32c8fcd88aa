package io.idem.core;

/**
 * A test whose cases hold however a request is carried. Its cases are run once by {@link
 * Runner#SYNC}, and by the others in {@link AsyncModeTest}.
 */
abstract class RunnerTest {

  Runner runner() {
    return Runner.SYNC;
  }

  final <T> Runner.Asked<T> on(Operation<T> operation) {
    return runner().on(operation);
  }
}
