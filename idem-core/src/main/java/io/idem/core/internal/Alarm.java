package io.idem.core.internal;

import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sleep of one waiter that holds no thread: it ends when its time is over or when somebody
 * wakes the waiter, whichever is first. Who is woken while awake does not fall asleep next time.
 * Thread-safe.
 */
final class Alarm {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final ScheduledExecutorService threads;
  private boolean woken;
  private int sleeps;
  private @Nullable Runnable next;
  private @Nullable Future<?> timer;

  /**
   * Creates an alarm.
   *
   * @param threads where the waiter goes on, whoever wakes it
   */
  Alarm(ScheduledExecutorService threads) {
    this.threads = threads;
  }

  /**
   * Sleeps, and goes on after that.
   *
   * @param nanos how long at most
   * @param whenAwake how to go on, not on the caller's thread; one sleep at a time
   * @throws RejectedExecutionException if there is nobody to wake it, because the engine is closed
   */
  void sleep(long nanos, Runnable whenAwake) {
    synchronized (this) {
      if (!woken) {
        int sleep = ++sleeps;
        timer = threads.schedule(() -> timeIsOver(sleep), nanos, TimeUnit.NANOSECONDS);
        next = whenAwake;
        return;
      }
      woken = false;
    }
    threads.execute(whenAwake);
  }

  /** Ends the sleep, or keeps the waiter from the next. Neither blocks nor throws. */
  void wake() {
    Runnable goOn;
    synchronized (this) {
      goOn = awaken();
      woken = goOn == null;
    }
    if (goOn != null) {
      goOn(goOn);
    }
  }

  private void timeIsOver(int sleep) {
    Runnable goOn;
    synchronized (this) {
      goOn = sleep == sleeps ? awaken() : null;
    }
    if (goOn != null) {
      goOn.run();
    }
  }

  /** Null if the waiter is awake. */
  private @Nullable Runnable awaken() {
    Runnable goOn = next;
    next = null;
    if (timer != null) {
      timer.cancel(false);
      timer = null;
    }
    return goOn;
  }

  private void goOn(Runnable waiter) {
    try {
      threads.execute(waiter);
    } catch (RejectedExecutionException e) {
      waiter.run(); // the engine is closed, and going on blocks nobody
    } catch (Throwable e) {
      // The waiter is in line before a further thread is asked for, and its timer had one made.
      log.warn("Who is woken waits for a thread", e);
    }
  }
}
