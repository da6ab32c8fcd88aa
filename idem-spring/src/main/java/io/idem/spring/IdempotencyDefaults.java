package io.idem.spring;

import java.time.Duration;

/**
 * What an {@link Idempotent} method gets for an attribute that it leaves empty.
 *
 * @param retention how long an outcome is kept after completion
 * @param lease how long a claim holds without renewal
 * @param waitAtMost how long a repeat waits for the running call
 */
public record IdempotencyDefaults(Duration retention, Duration lease, Duration waitAtMost) {

  /**
   * Checks the durations.
   *
   * @param retention how long an outcome is kept after completion
   * @param lease how long a claim holds without renewal
   * @param waitAtMost how long a repeat waits for the running call
   * @throws IdempotencySetupException if one of them is too short
   */
  public IdempotencyDefaults {
    atLeast("idem.retention", retention, Duration.ofMillis(1));
    atLeast("idem.lease", lease, Duration.ofMillis(100));
    atLeast("idem.wait-at-most", waitAtMost, Duration.ZERO);
  }

  private static void atLeast(String name, Duration value, Duration least) {
    if (value.compareTo(least) < 0) {
      throw new IdempotencySetupException(
          "The default " + name + " is " + value + ", which is too short.",
          "Set it to at least " + least.toMillis() + "ms.");
    }
  }

  /** Those of the engine: 24 hours, 30 seconds, 5 seconds. */
  public IdempotencyDefaults() {
    this(Duration.ofHours(24), Duration.ofSeconds(30), Duration.ofSeconds(5));
  }
}
