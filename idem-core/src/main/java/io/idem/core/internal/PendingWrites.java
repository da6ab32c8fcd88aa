package io.idem.core.internal;

import io.idem.core.Decision;
import io.idem.core.store.LeaseCheck;
import java.time.Duration;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes that a store failed to take after a body had ended: tried again in the background, with
 * the lease kept alive, until the store answers.
 *
 * <p>Bounded in number and time. What is given up is logged; its lease then runs out, and the key
 * is abandoned.
 */
final class PendingWrites {

  /** How many writes may be pending; each may hold one encoded result. */
  static final int MOST = 1_000;

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");
  private static final Duration AT_LEAST = Duration.ofMinutes(5);
  private static final int LEASES = 10;
  private static final long FIRST_DELAY_MILLIS = 50;
  private static final long LONGEST_DELAY_MILLIS = 5_000;

  private final ScheduledExecutorService executor;
  private final LeaseKeeper keeper;
  private final Events events;
  private final Semaphore places = new Semaphore(MOST);
  private final AtomicInteger owed = new AtomicInteger();
  private final AtomicInteger precautions = new AtomicInteger();

  PendingWrites(ScheduledExecutorService executor, LeaseKeeper keeper, Events events) {
    this.executor = executor;
    this.keeper = keeper;
    this.events = events;
  }

  /**
   * Takes over a write, and the lease that protects it.
   *
   * @param what the write's name for the log
   * @param held the lease, which stays with the keeper until the write is settled
   * @param write the write, conditional on the lease
   */
  void add(String what, HeldLease held, Supplier<LeaseCheck> write) {
    if (!places.tryAcquire()) {
      keeper.remove(held);
      log.error(
          "Gave up the {} of record {} of operation '{}': {} writes are pending already. The key is"
              + " abandoned when its lease runs out",
          what,
          held.lease.id(),
          held.title(),
          MOST);
      return;
    }
    owed.incrementAndGet();
    schedule(new Pending(what, held, write, deadline(held), true), 0);
  }

  /**
   * Takes over a write that only matters if an earlier one, which seemed to fail, took effect. It
   * never takes the second half of the places, which is kept for writes that matter for sure.
   *
   * @param what the write's name for the log
   * @param held the lease that may be held
   * @param write the write, conditional on the lease
   */
  void addPrecaution(String what, HeldLease held, Supplier<LeaseCheck> write) {
    if (places.availablePermits() > MOST / 2 && places.tryAcquire()) {
      precautions.incrementAndGet();
      schedule(new Pending(what, held, write, deadline(held), false), 0);
    }
  }

  private static long deadline(HeldLease held) {
    return System.nanoTime()
        + Math.max(
            AT_LEAST.toNanos(),
            Durations.nanos(Durations.bounded(held.leaseFor).multipliedBy(LEASES)));
  }

  /** Whether nothing is pending that matters for sure. */
  boolean isSettled() {
    return owed.get() == 0;
  }

  /** How many writes are pending that only matter if an earlier one took effect. */
  int precautions() {
    return precautions.get();
  }

  @SuppressWarnings("FutureReturnValueIgnored") // the task reports its own failures
  private void schedule(Pending pending, int failures) {
    long delay = Math.min(LONGEST_DELAY_MILLIS, FIRST_DELAY_MILLIS << Math.min(failures, 16));
    try {
      executor.schedule(() -> attempt(pending, failures), delay, TimeUnit.MILLISECONDS);
    } catch (RuntimeException | Error e) { // the engine is closed, or no thread is to be had
      settle(pending);
      log.error(
          "Gave up the {} of record {} of operation '{}': it cannot be scheduled",
          pending.what,
          pending.held.lease.id(),
          pending.held.title(),
          e);
    }
  }

  private void attempt(Pending pending, int failures) {
    HeldLease held = pending.held;
    LeaseCheck check;
    try {
      check = pending.write.get();
    } catch (Throwable e) { // an error would end the task unseen, with its place and its lease kept
      tryLater(pending, failures + 1, e);
      return;
    }
    settle(pending);
    if (check == LeaseCheck.HELD) {
      log.info(
          "The {} of record {} of operation '{}' took effect after {} more tries",
          pending.what,
          held.lease.id(),
          held.title(),
          failures + 1);
    } else if (pending.heldForSure) {
      log.warn(
          "The {} of record {} of operation '{}' came too late: the lease is lost",
          pending.what,
          held.lease.id(),
          held.title());
      events.publish(Decision.LEASE_LOST, held, null);
    }
  }

  private void tryLater(Pending pending, int failures, Throwable failure) {
    if (System.nanoTime() - pending.deadlineNanos < 0) {
      schedule(pending, failures);
      return;
    }
    settle(pending);
    HeldLease held = pending.held;
    log.error(
        "Gave up the {} of record {} of operation '{}' after {} tries. The key is abandoned when"
            + " its lease runs out",
        pending.what,
        held.lease.id(),
        held.title(),
        failures,
        failure);
    events.publish(Decision.STORE_FAILURE, held, failure);
  }

  private void settle(Pending pending) {
    keeper.remove(pending.held);
    places.release();
    (pending.heldForSure ? owed : precautions).decrementAndGet();
  }

  private record Pending(
      String what,
      HeldLease held,
      Supplier<LeaseCheck> write,
      long deadlineNanos,
      boolean heldForSure) {}
}
