package io.idem.benchmarks.stores;

import java.util.Arrays;
import java.util.Locale;

/**
 * What was measured of one comparison at one number of threads.
 *
 * @param comparison what
 * @param threads how many callers
 * @param floor calls per second by hand, a figure a round
 * @param idem calls per second with Idem, a figure a round
 */
record Result(Comparison comparison, int threads, double[] floor, double[] idem) {

  /** The median of the rounds' own ratios: what slows a whole round down does not show. */
  double ratio() {
    return median(ratios());
  }

  /** The row of a table: floor, Idem, ratio with its extremes, microseconds a key. */
  String row() {
    double[] ratios = ratios();
    Arrays.sort(ratios);
    double keysPerSecond = median(idem) * comparison.keysPerCall();
    return String.format(
        Locale.ROOT,
        "| %s | %s | %d | %,.0f | %,.0f | %.2f (%.2f–%.2f) | %s | %.1f |",
        comparison.backend(),
        comparison.name(),
        threads,
        median(floor) * comparison.keysPerCall(),
        keysPerSecond,
        median(ratios),
        ratios[0],
        ratios[ratios.length - 1],
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

  private double[] ratios() {
    double[] ratios = new double[floor.length];
    for (int i = 0; i < floor.length; i++) {
      ratios[i] = idem[i] / floor[i];
    }
    return ratios;
  }

  private static double median(double[] figures) {
    double[] sorted = figures.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }
}
