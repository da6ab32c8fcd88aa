package io.idem.messaging;

import java.time.Duration;

/**
 * How often a handler may fail for one message before the message is parked, where no container
 * decides that. For adapters. Immutable.
 *
 * @param mostFailures at least 1
 * @param delay how long to wait in between
 */
public record FailureLimit(int mostFailures, Duration delay) {

  /** Ten times, a second in between. */
  public static final FailureLimit DEFAULT = new FailureLimit(10, Duration.ofSeconds(1));

  /**
   * A limit.
   *
   * @param mostFailures at least 1
   * @param delay how long to wait in between
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public FailureLimit {
    if (mostFailures < 1 || delay.isNegative()) {
      throw new IllegalArgumentException(
          "A handler may fail at least once, and a delay is not negative, found "
              + mostFailures
              + " and "
              + delay);
    }
  }
}
