package io.idem.benchmarks.load;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Callers that call as fast as they can for a while. */
public final class Load {

  private Load() {}

  /**
   * Calls per second of all threads together. What a call throws ends the run.
   *
   * @param threads how many callers
   * @param nanos for how long
   * @param caller makes one
   */
  public static double callsPerSecond(int threads, long nanos, Supplier<Caller> caller)
      throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      CyclicBarrier start = new CyclicBarrier(threads);
      List<Callable<Double>> tasks = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        Caller mine = caller.get();
        tasks.add(
            () -> {
              start.await(60, TimeUnit.SECONDS);
              long begin = System.nanoTime();
              long calls = 0;
              long elapsed;
              do {
                mine.call();
                calls++;
                elapsed = System.nanoTime() - begin;
              } while (elapsed < nanos);
              return calls * 1e9 / elapsed;
            });
      }
      double sum = 0;
      for (Future<Double> rate : pool.invokeAll(tasks)) {
        sum += rate.get();
      }
      return sum;
    } finally {
      pool.shutdownNow();
    }
  }
}
