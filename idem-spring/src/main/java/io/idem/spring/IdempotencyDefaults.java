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

  /** Those of the engine: 24 hours, 30 seconds, 5 seconds. */
  public IdempotencyDefaults() {
    this(Duration.ofHours(24), Duration.ofSeconds(30), Duration.ofSeconds(5));
  }
}
