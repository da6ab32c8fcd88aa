package io.idem.interop;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** Where pieces of work, told apart by their names, take effect: each run counts. Thread-safe. */
class Desk {

  private static final long BOUND_SECONDS = 30;

  private final Map<String, AtomicInteger> runs = new ConcurrentHashMap<>();
  private final Map<String, Held> held = new ConcurrentHashMap<>();

  /** Has the runs of a piece of work stop in their middle until they are let go. */
  Held hold(String work) {
    return held.computeIfAbsent(work, name -> new Held());
  }

  /** Does a piece of work, and says how many times it has been done now. */
  int run(String work) {
    int count = runs.computeIfAbsent(work, name -> new AtomicInteger()).incrementAndGet();
    Held stop = held.get(work);
    if (stop != null) {
      stop.entered.countDown();
      await(stop.mayLeave, "to be let go");
    }
    return count;
  }

  /** How often a piece of work was begun. */
  int runs(String work) {
    AtomicInteger count = runs.get(work);
    return count == null ? 0 : count.get();
  }

  private static void await(CountDownLatch latch, String what) {
    try {
      if (!latch.await(BOUND_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("Waited in vain " + what);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Work that stops in its middle, until it is let go once and for all. */
  static final class Held {

    private final CountDownLatch entered = new CountDownLatch(1);
    private final CountDownLatch mayLeave = new CountDownLatch(1);

    void awaitRun() {
      await(entered, "for a run");
    }

    void letGo() {
      mayLeave.countDown();
    }
  }
}
