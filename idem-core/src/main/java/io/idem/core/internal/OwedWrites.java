package io.idem.core.internal;

import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoreNotAskedException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes that one of two stores has taken and the other could not: tried again when asked to, those
 * that failed last.
 *
 * <p>Bounded in number, and in tries while the store answers others. What is given up is logged and
 * counted: it leaves at worst a record that is abandoned in one of the stores.
 */
public final class OwedWrites {

  /** How many writes may be owed. */
  static final int MOST = 1_000;

  /** After how many failures in a row a store is left alone for the rest of a turn. */
  static final int FAILURES_IN_A_ROW = 3;

  /** How often a write may be refused. */
  static final int MOST_REFUSALS = 10;

  /** Turns may follow each other without a pause, while purging catches up. */
  static final Duration BETWEEN_REFUSALS = Duration.ofSeconds(30);

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final Map<Debt, Write> writes = new ConcurrentHashMap<>();
  private final AtomicLong places = new AtomicLong();
  private final LongAdder givenUp = new LongAdder();
  private final LongSupplier nanoClock;

  /** Starts with nothing owed. */
  OwedWrites(LongSupplier nanoClock) {
    this.nanoClock = nanoClock;
  }

  private record Debt(FailoverSide creditor, OwnerToken token) {}

  /** A write in the order of its tries; the rest is guarded by its lock. */
  private static final class Write {

    private final ReentrantLock lock = new ReentrantLock();
    private final Runnable act;
    private volatile long place;
    private boolean cancelled;
    private int refusals;
    private long refusedNanos;
    private long answeredBefore;

    Write(Runnable act, long place, long answeredBefore, long now) {
      this.act = act;
      this.place = place;
      this.answeredBefore = answeredBefore;
      this.refusedNanos = now;
    }

    void run() {
      lock.lock();
      try {
        if (!cancelled) {
          act.run();
        }
      } finally {
        lock.unlock();
      }
    }

    void cancel() {
      lock.lock();
      try {
        cancelled = true;
      } finally {
        lock.unlock();
      }
    }

    /** Counts a failure, if the store has answered others meanwhile. */
    int refused(long answered, long now) {
      lock.lock();
      try {
        if (answered != answeredBefore && now - refusedNanos >= BETWEEN_REFUSALS.toNanos()) {
          answeredBefore = answered;
          refusedNanos = now;
          refusals++;
        }
        return refusals;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Keeps a write for later. */
  void add(FailoverSide creditor, OwnerToken token, Runnable act) {
    if (room() == 0) {
      givenUp.increment();
      log.error(
          "{} writes are owed to a store already, so one is given up: its record may stay abandoned"
              + " there",
          MOST);
      return;
    }
    put(creditor, token, act);
  }

  /**
   * Keeps a write for later that only matters if an earlier one, which seemed to fail, took effect.
   * It never takes the second half of the places, which is kept for writes that matter for sure.
   */
  void addPrecaution(FailoverSide creditor, OwnerToken token, Runnable act) {
    if (room() > MOST / 2) {
      put(creditor, token, act);
    }
  }

  private void put(FailoverSide creditor, OwnerToken token, Runnable act) {
    writes.put(
        new Debt(creditor, token),
        new Write(act, places.incrementAndGet(), creditor.answered(), nanoClock.getAsLong()));
  }

  /** Takes back what is owed under a token, after any try of it that is under way. */
  public void cancel(FailoverSide creditor, OwnerToken token) {
    Write write = writes.remove(new Debt(creditor, token));
    if (write != null) {
      write.cancel();
    }
  }

  /** Tries everything once; a store that seems to be down is left alone for the rest of it. */
  public void settle() {
    Map<FailoverSide, Integer> failures = new HashMap<>();
    List<Map.Entry<Debt, Write>> all =
        writes.entrySet().stream()
            .map(entry -> Map.entry(entry.getKey(), entry.getValue()))
            .sorted(Comparator.comparingLong(entry -> entry.getValue().place))
            .toList();
    for (Map.Entry<Debt, Write> each : all) {
      Debt debt = each.getKey();
      Write write = each.getValue();
      int inARow = failures.getOrDefault(debt.creditor(), 0);
      if (inARow >= FAILURES_IN_A_ROW || writes.get(debt) != write) {
        continue;
      }
      try {
        write.run();
        writes.remove(debt, write);
        failures.put(debt.creditor(), 0);
      } catch (StoreNotAskedException e) {
        failures.put(debt.creditor(), FAILURES_IN_A_ROW);
      } catch (RuntimeException e) {
        failures.put(debt.creditor(), inARow + 1);
        failed(debt, write, e);
      }
    }
  }

  private void failed(Debt debt, Write write, RuntimeException e) {
    write.place = places.incrementAndGet();
    int refusals = write.refused(debt.creditor().answered(), nanoClock.getAsLong());
    if (refusals >= MOST_REFUSALS && writes.remove(debt, write)) {
      givenUp.increment();
      log.error(
          "Gave up a write that is owed to the {} store, which refused it {} times and answered"
              + " others: its record may stay abandoned there",
          debt.creditor(),
          refusals,
          e);
    }
  }

  /** How many are owed. */
  public int size() {
    return writes.size();
  }

  /** How many more may be owed. */
  int room() {
    return Math.max(0, MOST - writes.size());
  }

  /** How many were given up. */
  public long givenUp() {
    return givenUp.sum();
  }
}
