package io.idem.jdbc;

import java.time.Duration;

/**
 * How a table on PostgreSQL is partitioned by the time inside its keys. Immutable.
 *
 * <p>Keys that are UUIDv7 or ULID lie in a partition of their own time, never of their arrival, and
 * expire by dropping it. Other keys work as well and are deleted row by row.
 *
 * @param width how much of the keys' time a partition holds, rounded to units of 65.536 seconds; at
 *     least one of these. Best about as long as the retention: a dropped partition frees its space
 *     up to a width later than rows deleted one by one
 * @param ahead how many partitions are there for keys to come, beside the one of now; 1 to 100
 */
public record Partitioning(Duration width, int ahead) {

  /**
   * Checks the settings.
   *
   * @param width how much of the keys' time a partition holds
   * @param ahead how many partitions are there for keys to come
   * @throws IllegalArgumentException if one of them is out of its bounds
   */
  public Partitioning {
    if (width.toMillis() < 65_536 || width.compareTo(Duration.ofDays(366)) > 0) {
      throw new IllegalArgumentException(
          "A partition is at least 65.536 seconds and at most 366 days wide, but is to be "
              + width);
    }
    if (ahead < 1 || ahead > 100) {
      throw new IllegalArgumentException(
          "At least 1 and at most 100 partitions are made ahead, but are to be " + ahead);
    }
  }

  /**
   * Partitions of a day, three days ahead.
   *
   * @return the settings
   */
  public static Partitioning daily() {
    return new Partitioning(Duration.ofDays(1), 3);
  }
}
