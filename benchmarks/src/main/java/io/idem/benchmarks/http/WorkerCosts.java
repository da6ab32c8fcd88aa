package io.idem.benchmarks.http;

import com.sun.management.ThreadMXBean;
import io.idem.benchmarks.load.Caller;
import io.idem.benchmarks.load.Comparison;
import io.idem.benchmarks.load.Load;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;

/**
 * What a request costs the threads of the servers alone, without the client and the collector: it
 * is less at the mercy of what else the machine does than throughput is, and the bytes not at all.
 *
 * @param floor without Idem
 * @param idem with it
 */
record WorkerCosts(Cost floor, Cost idem) {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private static final int ROUNDS = 5;
  private static final long ROUND_NANOS = 500_000_000;

  /**
   * The cost of one request.
   *
   * @param micros on a processor
   * @param bytes allocated
   */
  record Cost(double micros, double bytes) {}

  /** Measures both sides by turns: the medians. */
  static WorkerCosts measure(Comparison comparison, int threads) throws Exception {
    List<Cost> floor = new ArrayList<>();
    List<Cost> idem = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      floor.add(cost(comparison.floor(), threads));
      idem.add(cost(comparison.idem(), threads));
    }
    return new WorkerCosts(median(floor), median(idem));
  }

  double addedMicros() {
    return idem.micros - floor.micros;
  }

  double addedBytes() {
    return idem.bytes - floor.bytes;
  }

  private static Cost cost(Supplier<Caller> caller, int threads) throws Exception {
    Cost before = soFar();
    long calls = Load.measure(threads, ROUND_NANOS, caller).calls();
    Cost after = soFar();
    return new Cost((after.micros - before.micros) / calls, (after.bytes - before.bytes) / calls);
  }

  /** Of all threads that Tomcat handles requests on. The other application's are idle meanwhile. */
  private static Cost soFar() {
    long[] ids = THREADS.getAllThreadIds();
    ThreadInfo[] threads = THREADS.getThreadInfo(ids);
    double nanos = 0;
    double bytes = 0;
    for (int i = 0; i < ids.length; i++) {
      if (threads[i] != null && threads[i].getThreadName().contains("-exec-")) {
        nanos += THREADS.getThreadCpuTime(ids[i]);
        bytes += THREADS.getThreadAllocatedBytes(ids[i]);
      }
    }
    return new Cost(nanos / 1e3, bytes);
  }

  private static Cost median(List<Cost> costs) {
    return new Cost(median(costs, Cost::micros), median(costs, Cost::bytes));
  }

  private static double median(List<Cost> costs, ToDoubleFunction<Cost> part) {
    return costs.stream().mapToDouble(part).sorted().skip(ROUNDS / 2).findFirst().orElseThrow();
  }
}
