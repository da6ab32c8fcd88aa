package io.idem.jdbc.internal;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One partition of a table that is partitioned by the time inside its keys.
 *
 * @param table its own table
 * @param isDefault whether it takes what no other does
 * @param from the first moment whose keys lie in it, in units of 65.536 s since 1970; -1 if it is
 *     not a partition of time
 * @param to the first moment whose keys do not
 */
record Partition(TableName table, boolean isDefault, long from, long to) {

  /** The unit of the time in front of a record's id. */
  static final long UNIT_MILLIS = 1 << 16;

  /** What the schema sets aside for partitions of time. */
  static final long FIRST = 0x0190_0000L;

  static final long LAST = 0x0300_0000L;

  private static final Pattern RANGE =
      Pattern.compile("FOR VALUES FROM \\('([0-9a-f]{8})-[-0]+'\\) TO \\('([0-9a-f]{8})-[-0]+'\\)");

  /** A partition by what the catalogue says about it. */
  static Partition of(TableName table, String bound) {
    Matcher range = RANGE.matcher(bound);
    if (range.matches()) {
      long from = Long.parseLong(range.group(1), 16);
      long to = Long.parseLong(range.group(2), 16);
      if (from >= FIRST && to <= LAST) {
        return new Partition(table, false, from, to);
      }
    }
    return new Partition(table, bound.equals("DEFAULT"), -1, -1);
  }

  static Partition ofTime(TableName parent, long from, long to) {
    return new Partition(parent.partition("p" + hex(from)), false, from, to);
  }

  boolean isOfTime() {
    return from >= 0;
  }

  /** Whether no key of its time can be new, by the database's clock. */
  boolean isPast(long now) {
    return isOfTime() && to <= now;
  }

  /** The first id of a moment, as a literal. */
  static String id(long units) {
    return "'" + hex(units) + "-0000-0000-0000-000000000000'";
  }

  String range() {
    return "FROM (" + id(from) + ") TO (" + id(to) + ")";
  }

  private static String hex(long units) {
    String digits = Long.toHexString(units);
    return "0".repeat(8 - digits.length()) + digits;
  }
}
