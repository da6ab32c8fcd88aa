package io.idem.benchmarks.load;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;

/** Callers that call as fast as they can for a while. */
public final class Load {

  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private Load() {}

  /**
   * What calls came to.
   *
   * @param callsPerSecond of all threads together
   * @param cpuMicros what one call took of a processor in this process, on both sides of the call
   *     if both are in it, and with what goes on in the background
   * @param calls how many there were
   */
  public record Speed(double callsPerSecond, double cpuMicros, long calls) {}

  /**
   * Calls as fast as all threads together can. What a call throws ends the run.
   *
   * @param threads how many callers
   * @param nanos for how long
   * @param caller makes one
   */
  public static Speed measure(int threads, long nanos, Supplier<Caller> caller) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      CyclicBarrier start = new CyclicBarrier(threads);
      LongAdder allCalls = new LongAdder();
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
              allCalls.add(calls);
              return calls * 1e9 / elapsed;
            });
      }
      double sum = 0;
      long cpuBefore = SYSTEM.getProcessCpuTime();
      for (Future<Double> rate : pool.invokeAll(tasks)) {
        sum += rate.get();
      }
      double cpuNanos = SYSTEM.getProcessCpuTime() - cpuBefore;
      long calls = allCalls.sum();
      return new Speed(sum, cpuNanos / 1e3 / calls, calls);
    } finally {
      pool.shutdownNow();
    }
  }
}
