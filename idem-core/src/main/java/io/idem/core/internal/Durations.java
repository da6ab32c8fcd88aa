package io.idem.core.internal;

import java.time.Duration;

/**
 * Durations that cannot overflow the clocks they are added to.
 *
 * <p>Callers say "for ever" with whatever is long. Nothing here outlives a century, and a century
 * of nanoseconds still fits a {@code long} three times over.
 */
public final class Durations {

  /** The longest duration that is told from a longer one: 100 years. */
  public static final Duration LONGEST = Duration.ofDays(36_500);

  private Durations() {}

  /** The duration, or {@link #LONGEST} if that is shorter. */
  public static Duration bounded(Duration duration) {
    return duration.compareTo(LONGEST) > 0 ? LONGEST : duration;
  }

  /** The duration in nanoseconds, as if it were {@link #bounded}. */
  public static long nanos(Duration duration) {
    return bounded(duration).toNanos();
  }
}
