package io.idem.benchmarks.load;

import java.util.ArrayList;
import java.util.List;

/** Both sides of a comparison by turns; who goes first changes with each round. */
public final class Rounds {

  private static final int WARM_UPS = 2;

  private Rounds() {}

  /**
   * Measures.
   *
   * @param comparison what
   * @param threads how many callers
   * @param rounds how often
   * @param nanos how long each side is called in a round
   * @return the figures of every round
   * @throws Exception if a call fails
   */
  public static Result measure(Comparison comparison, int threads, int rounds, long nanos)
      throws Exception {
    // Until both are compiled: what is warm first would win.
    for (int i = 0; i < WARM_UPS; i++) {
      Load.measure(threads, nanos, comparison.floor());
      Load.measure(threads, nanos, comparison.idem());
    }
    List<Load.Speed> floor = new ArrayList<>();
    List<Load.Speed> idem = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      if (round % 2 == 0) {
        floor.add(Load.measure(threads, nanos, comparison.floor()));
        idem.add(Load.measure(threads, nanos, comparison.idem()));
      } else {
        idem.add(Load.measure(threads, nanos, comparison.idem()));
        floor.add(Load.measure(threads, nanos, comparison.floor()));
      }
    }
    return new Result(comparison, threads, floor, idem);
  }
}
