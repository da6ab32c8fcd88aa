package io.idem.benchmarks.soak;

import java.util.Locale;

/**
 * One part of a soak.
 *
 * @param keys how many keys the run had at its end
 * @param seconds how long it took
 * @param p50Micros the median latency of a single key
 * @param p99Micros its 99th percentile
 * @param heapBytes the heap in use at its end, after a collection
 * @param tableBytes the table with its indexes at its end
 * @param lagMillis the greatest lag of a purge in it
 * @param deleted how many records were deleted in it
 */
record SoakSample(
    long keys,
    double seconds,
    long p50Micros,
    long p99Micros,
    long heapBytes,
    long tableBytes,
    long lagMillis,
    long deleted) {

  static final String HEADER =
      "| Keys so far | Keys/s | One key p50, ms | p99, ms | Heap, MB | Table, MB | Purge lag, s |"
          + " Deleted |\n|---:|---:|---:|---:|---:|---:|---:|---:|";

  String row(long keysBefore) {
    return String.format(
        Locale.ROOT,
        "| %d | %.0f | %.2f | %.2f | %.1f | %.0f | %.1f | %d |",
        keys,
        (keys - keysBefore) / seconds,
        p50Micros / 1e3,
        p99Micros / 1e3,
        heapBytes / 1e6,
        tableBytes / 1e6,
        lagMillis / 1e3,
        deleted);
  }
}
