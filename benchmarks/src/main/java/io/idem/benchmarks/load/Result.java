package io.idem.benchmarks.load;

import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * What was measured of one comparison at one number of threads.
 *
 * @param comparison what
 * @param threads how many callers
 * @param floor what it came to by hand, a figure a round
 * @param idem what it came to with Idem, a figure a round
 */
public record Result(
    Comparison comparison, int threads, List<Load.Speed> floor, List<Load.Speed> idem) {

  /** The median of the rounds' own ratios: what slows a whole round down does not show. */
  public double ratio() {
    return median(ratios());
  }

  /** Whether it misses what is promised. */
  public boolean misses() {
    return comparison.target() > 0 && threads == 8 && ratio() < comparison.target();
  }

  /** The row of a table: floor, Idem, ratio with its extremes, microseconds a key. */
  public String row() {
    List<Double> ratios = ratios().stream().sorted().toList();
    double keysPerSecond = perSecond(idem) * comparison.keysPerCall();
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %,.0f | %,.0f | %.2f (%.2f–%.2f) | %s | %.1f |",
        comparison.backend(),
        comparison.name(),
        threads,
        perSecond(floor) * comparison.keysPerCall(),
        keysPerSecond,
        median(ratios),
        ratios.get(0),
        ratios.get(ratios.size() - 1),
        promise(),
        1e6 / keysPerSecond);
  }

  private String promise() {
    if (comparison.target() == 0 || threads != 8) {
      return "";
    }
    String target = String.format(Locale.ROOT, "≥ %.2f", comparison.target());
    return ratio() >= comparison.target() ? target : "**" + target + " missed**";
  }

  private List<Double> ratios() {
    return IntStream.range(0, floor.size())
        .mapToObj(i -> idem.get(i).callsPerSecond() / floor.get(i).callsPerSecond())
        .toList();
  }

  private static double perSecond(List<Load.Speed> speeds) {
    return median(speeds.stream().map(Load.Speed::callsPerSecond).toList());
  }

  /** What a call by hand takes of this process's processors, in microseconds. */
  public double floorCpuMicros() {
    return median(floor.stream().map(Load.Speed::cpuMicros).toList());
  }

  /**
   * What a call with Idem takes more, in microseconds: the median of the rounds' own differences.
   */
  public double addedCpuMicros() {
    return median(
        IntStream.range(0, floor.size())
            .mapToObj(i -> idem.get(i).cpuMicros() - floor.get(i).cpuMicros())
            .toList());
  }

  private static double median(List<Double> figures) {
    List<Double> sorted = figures.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }
}
