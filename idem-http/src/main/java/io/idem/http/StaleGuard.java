package io.idem.http;

import java.time.Duration;

/**
 * Refuses requests that are older than their record may be: a retry that comes after the record was
 * purged would run again.
 *
 * <p>The age is that of the first attempt. It is told by the header {@value #FIRST_SENT_HEADER}
 * (OASIS Repeatable Requests 1.0), an IMF-fixdate (RFC 9110, section 5.6.7), and by the time inside
 * of a key that is a UUIDv7 or a ULID; where there are both, neither may be outside of the window.
 * A request that tells neither is let pass unless its time is required.
 *
 * <p>It holds the client's clock against that of this node.
 *
 * @param window how long after its first attempt a request is admitted; together with {@code ahead}
 *     at most the retention of the endpoint's operation, so that what is admitted still meets its
 *     record
 * @param ahead how far a client's clock may be ahead
 * @param timeRequired whether a request that does not tell its time is refused
 */
public record StaleGuard(Duration window, Duration ahead, boolean timeRequired) {

  /** The header in which a client says when it sent the first attempt. */
  public static final String FIRST_SENT_HEADER = "Repeatability-First-Sent";

  /** How far a client's clock may be ahead by default. */
  public static final Duration DEFAULT_AHEAD = Duration.ofMinutes(5);

  /**
   * Checks the durations.
   *
   * @param window how long after its first attempt a request is admitted
   * @param ahead how far a client's clock may be ahead
   * @param timeRequired whether a request that does not tell its time is refused
   * @throws IllegalArgumentException if the window is not positive or ahead is negative
   */
  public StaleGuard {
    if (window.isNegative() || window.isZero() || ahead.isNegative()) {
      throw new IllegalArgumentException(
          "A stale guard has a window above zero and an allowance of at least zero, found "
              + window
              + " and "
              + ahead);
    }
  }

  /**
   * A guard that allows for clocks that are five minutes ahead, and admits requests that do not
   * tell their time.
   *
   * @param window how long after its first attempt a request is admitted
   * @return the guard
   * @throws IllegalArgumentException if the window is not positive
   */
  public static StaleGuard within(Duration window) {
    return new StaleGuard(window, DEFAULT_AHEAD, false);
  }
}
