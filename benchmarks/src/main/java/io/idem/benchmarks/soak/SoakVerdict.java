package io.idem.benchmarks.soak;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToLongFunction;

/** Whether a soak has shown what it was to show: the last tenth of it is like the second. */
final class SoakVerdict {

  /** Below this a percentile says more about the machine than about the store. */
  private static final long NOISE_MICROS = 5_000;

  private static final long HEAP_SLACK = 32_000_000;

  private SoakVerdict() {}

  /** What is wrong; nothing if it held. */
  static List<String> of(List<SoakSample> samples, SoakSettings settings) {
    int tenth = Math.max(1, samples.size() / 10);
    List<SoakSample> second = samples.subList(tenth, 2 * tenth);
    List<SoakSample> last = samples.subList(samples.size() - tenth, samples.size());
    List<String> failures = new ArrayList<>();
    check(
        failures,
        "The median latency of a single key grew, in us",
        worst(second, SoakSample::p50Micros),
        worst(last, SoakSample::p50Micros),
        Math.max(2 * worst(second, SoakSample::p50Micros), NOISE_MICROS));
    check(
        failures,
        "The 99th percentile of a single key's latency grew, in us",
        worst(second, SoakSample::p99Micros),
        worst(last, SoakSample::p99Micros),
        Math.max(2 * worst(second, SoakSample::p99Micros), NOISE_MICROS));
    check(
        failures,
        "The heap grew, in bytes",
        worst(second, SoakSample::heapBytes),
        worst(last, SoakSample::heapBytes),
        worst(second, SoakSample::heapBytes) * 3 / 2 + HEAP_SLACK);
    // Once keys expire, the table is as large as it gets; dead rows wait for a vacuum.
    List<SoakSample> half = samples.subList(0, Math.max(1, samples.size() / 2));
    check(
        failures,
        "The table grew, in bytes",
        worst(half, SoakSample::tableBytes),
        worst(last, SoakSample::tableBytes),
        worst(half, SoakSample::tableBytes) * 3 / 2);
    check(
        failures,
        "Purging fell behind, in ms",
        worst(half, SoakSample::lagMillis),
        worst(last, SoakSample::lagMillis),
        lagBound(settings));
    return failures;
  }

  /** A purge starts once an interval; a dropped partition is late by its width. */
  private static long lagBound(SoakSettings settings) {
    long late = settings.partitioned() ? Soak.PARTITION.toMillis() : 0;
    return late + 2 * settings.purgeEvery().toMillis() + 2_000;
  }

  private static void check(List<String> failures, String what, long was, long is, long bound) {
    if (is > bound) {
      failures.add(what + ": from " + was + " to " + is + ", more than " + bound);
    }
  }

  private static long worst(List<SoakSample> samples, ToLongFunction<SoakSample> of) {
    return samples.stream().mapToLong(of).max().orElse(0);
  }
}
