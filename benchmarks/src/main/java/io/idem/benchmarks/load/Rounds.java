package io.idem.benchmarks.load;

import java.lang.management.CompilationMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Both sides of a comparison by turns; who goes first changes with each round. */
public final class Rounds {

  /** Few, so that the compiler's threads get their turn. */
  private static final int WARMING_THREADS = 2;

  private static final long WARMING_NANOS = 1_000_000_000;

  /** Which part of a pass is still compiled in when everything is compiled. */
  private static final double COMPILING_AT_LAST = 0.05;

  private static final int MOST_WARM_UPS = 20;

  private Rounds() {}

  /**
   * Calls everything until little is left to compile. Beside many callers on few processors the
   * compiler takes half a minute and more for either side, and longest for the larger one, which
   * would be measured while it is interpreted.
   *
   * @param comparisons what will be measured
   * @throws Exception if a call fails
   */
  public static void warmUp(List<Comparison> comparisons) throws Exception {
    CompilationMXBean compiler = ManagementFactory.getCompilationMXBean();
    for (int pass = 0; pass < MOST_WARM_UPS; pass++) {
      long compiled = compiler.getTotalCompilationTime();
      long began = System.nanoTime();
      for (Comparison comparison : comparisons) {
        Load.measure(WARMING_THREADS, WARMING_NANOS, comparison.floor());
        Load.measure(WARMING_THREADS, WARMING_NANOS, comparison.idem());
      }
      double seconds = (System.nanoTime() - began) / 1e9;
      double compiling = (compiler.getTotalCompilationTime() - compiled) / 1e3 / seconds;
      System.out.printf(Locale.ROOT, "warming up: %.3f of the time compiling%n", compiling);
      if (compiling < COMPILING_AT_LAST) {
        return;
      }
    }
  }

  /**
   * Measures what is {@linkplain #warmUp warm}.
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
    Load.measure(threads, nanos, comparison.floor());
    Load.measure(threads, nanos, comparison.idem());
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
