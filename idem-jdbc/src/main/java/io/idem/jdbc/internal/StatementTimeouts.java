package io.idem.jdbc.internal;

import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Cancels statements that take too long, without a timer for each of them.
 *
 * <p>A driver that limits a statement by itself starts a timer with it and stops it afterwards, and
 * each start wakes the timer's thread: that costs more than the statement. Here a statement under
 * way stands in a slot, and a thread looks through the slots now and then. It ends when there has
 * been nothing to look at for a while. Each cancellation has a thread of its own: it is a
 * connection, which may hang, and must not keep the others waiting.
 *
 * <p>A statement that is being cancelled is not given up before the cancellation is through: it
 * cannot hit whatever the connection is used for next. Between the beginning and the end of what is
 * limited a connection does nothing but the statement and, at most, its commit, which whoever has
 * been cancelled does not believe. So another cancellation, should the first be lost, may be for
 * the connection. Thread-safe.
 */
final class StatementTimeouts {

  private static final Logger log = LoggerFactory.getLogger(StatementTimeouts.class);

  /** A power of two, far more than there are connections. */
  private static final int SLOTS = 1024;

  /** Neighbours would share a cache line. */
  private static final int STRIDE = 16;

  private static final int TRIES = 8;

  /** How many looks in vain end the thread. */
  private static final int IDLE_LOOKS = 100;

  private static final Duration CANCEL_AGAIN = Duration.ofSeconds(1);

  private final long lookEveryNanos;
  private final long distrustNanos;
  private final AtomicReferenceArray<@Nullable Timed> slots = new AtomicReferenceArray<>(SLOTS);
  private final AtomicBoolean awake = new AtomicBoolean();

  /** Until when cancellations are taken to be lost; null if none was. */
  private volatile @Nullable Long distrustedUntil;

  StatementTimeouts() {
    this(Duration.ofMillis(50), Duration.ofMinutes(10));
  }

  StatementTimeouts(Duration lookEvery, Duration distrust) {
    this.lookEveryNanos = lookEvery.toNanos();
    this.distrustNanos = distrust.toNanos();
  }

  /**
   * Whether cancellations do what they are to do, as far as is known: not for a while after a
   * statement went on in spite of one, as it does behind a proxy that drops them.
   */
  boolean areHeeded() {
    Long until = distrustedUntil;
    return until == null || System.nanoTime() - until >= 0;
  }

  private void distrust() {
    boolean first = areHeeded();
    distrustedUntil = System.nanoTime() + distrustNanos;
    if (first) {
      log.warn(
          "A statement goes on {} after it was cancelled: the server stalls, or cancellations do"
              + " not get to it. For the next {} claims have the server bound their wait, which"
              + " lock-wait=per-claim always does",
          CANCEL_AGAIN,
          Duration.ofNanos(distrustNanos));
    }
  }

  /**
   * Limits a statement from now on.
   *
   * @param statement the statement, about to be executed by the calling thread
   * @param millis for how long it may take
   * @return to be ended once the statement has; null if there is no room, and nothing is limited
   */
  @Nullable Timed begin(Statement statement, long millis) {
    Timed timed = new Timed(statement, System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis));
    int slot = (int) (Thread.currentThread().getId() * STRIDE);
    for (int i = 0; i < TRIES; i++) {
      int at = (slot + i) & (SLOTS - 1);
      if (slots.get(at) == null && slots.compareAndSet(at, null, timed)) {
        timed.slot = at;
        if (wake()) {
          return timed;
        }
        slots.set(at, null);
        return null;
      }
    }
    return null;
  }

  /** Whether there is somebody to look. */
  private boolean wake() {
    if (!awake.get() && awake.compareAndSet(false, true)) {
      if (!start(this::look, "idem-statement-timeouts")) {
        // The driver may still have one.
        awake.set(false);
        return false;
      }
    }
    return true;
  }

  /** Runs something in a thread of its own; false if there are no more threads. */
  private static boolean start(Runnable work, String name) {
    try {
      Thread thread = new Thread(work, name);
      thread.setDaemon(true);
      // It outlives the call that started it, and must not keep that application loaded.
      thread.setContextClassLoader(null);
      thread.start();
      return true;
    } catch (OutOfMemoryError e) {
      return false;
    }
  }

  private void look() {
    int vain = 0;
    while (true) {
      LockSupport.parkNanos(lookEveryNanos);
      vain = lookOnce() ? 0 : vain + 1;
      if (vain >= IDLE_LOOKS) {
        awake.set(false);
        // Who began meanwhile has seen a thread that was awake.
        if (!lookOnce() || !awake.compareAndSet(false, true)) {
          return;
        }
        vain = 0;
      }
    }
  }

  /** Cancels what is overdue; whether there was anything at all. */
  private boolean lookOnce() {
    boolean any = false;
    for (int i = 0; i < SLOTS; i++) {
      Timed timed = slots.get(i);
      if (timed != null) {
        any = true;
        try {
          timed.cancelIfOverdue();
        } catch (RuntimeException | Error e) {
          // A logger that fails, say. Nothing may end the thread that looks: no other would begin.
        }
      }
    }
    return any;
  }

  /** Whether the thread that looks is there. */
  boolean isAwake() {
    return awake.get();
  }

  private enum State {
    RUNNING,
    CANCELLING,
    ENDED
  }

  /** A statement under way. */
  final class Timed {

    private final Statement statement;
    private final Thread owner = Thread.currentThread();
    private final AtomicReference<State> state = new AtomicReference<>(State.RUNNING);
    private volatile long deadline;
    private volatile boolean cancelled;
    private int slot;

    private Timed(Statement statement, long deadline) {
      this.statement = statement;
      this.deadline = deadline;
    }

    private void cancelIfOverdue() {
      if (System.nanoTime() - deadline < 0) {
        return;
      }
      if (state.compareAndSet(State.RUNNING, State.CANCELLING)) {
        deadline = System.nanoTime() + CANCEL_AGAIN.toNanos();
        boolean again = cancelled;
        try {
          if (again) {
            distrust();
          }
        } finally {
          cancelled = true;
          if (!start(() -> cancel(again), "idem-statement-cancel")) {
            cancel(again);
          }
        }
      } else if (state.get() == State.CANCELLING) {
        // It hangs: on its way to the server, or in a pool that waits for the statement's end.
        distrust();
      }
    }

    /** While this goes on the owner cannot use its connection for anything else. */
    private void cancel(boolean again) {
      try {
        if (again) {
          cancelAgain();
        } else {
          statement.cancel();
        }
      } catch (SQLException | RuntimeException | Error e) {
        // The statement goes on and its owner waits for it: there is nobody to tell yet.
      } finally {
        // Once more, should that not have helped.
        deadline = System.nanoTime() + CANCEL_AGAIN.toNanos();
        state.set(State.RUNNING);
        LockSupport.unpark(owner);
      }
    }

    private void cancelAgain() throws SQLException {
      try {
        CancelQuery.send(statement);
      } catch (SQLException
          | RuntimeException
          | LinkageError e) { // of a pool that gives nothing away
        statement.cancel();
      }
    }

    /** Whether the statement was to be cancelled. Once it has been ended, that stays so. */
    boolean isCancelled() {
      return cancelled;
    }

    /** To be called by the thread that began, when the statement has ended or failed. */
    void end() {
      boolean interrupted = false;
      while (!state.compareAndSet(State.RUNNING, State.ENDED)) {
        LockSupport.park(this);
        interrupted |= Thread.interrupted();
      }
      slots.set(slot, null);
      if (interrupted) {
        owner.interrupt();
      }
    }
  }
}
