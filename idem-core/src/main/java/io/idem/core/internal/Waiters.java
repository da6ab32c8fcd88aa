package io.idem.core.internal;

import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Bounds how many callers wait at once, and how long each sleeps between two looks at a store. */
final class Waiters {

  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

  /** Who is woken looks by itself only for wake-ups that are lost, and for leases that run out. */
  private static final long FIRST_WATCHED_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final long LONGEST_WATCHED_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final Semaphore places;

  Waiters(int most) {
    this.places = new Semaphore(most);
  }

  /** Takes a place, which the caller gives back by {@link #leave()}, or answers false. */
  boolean tryEnter() {
    return places.tryAcquire();
  }

  void leave() {
    places.release();
  }

  /**
   * Sleeps before look number {@code look}, doubling with jitter, never longer than asked.
   *
   * @param woken gets a permit when it is worth looking at once; null if nobody gives one
   * @return false if the caller was interrupted; its interrupt status is kept
   */
  boolean pause(int look, long atMostNanos, @Nullable Semaphore woken) {
    try {
      if (woken == null) {
        TimeUnit.NANOSECONDS.sleep(pauseNanos(look, atMostNanos, false));
      } else {
        if (woken.tryAcquire(pauseNanos(look, atMostNanos, true), TimeUnit.NANOSECONDS)) {
          woken.drainPermits(); // one look answers all wake-ups so far
        }
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /**
   * How long to sleep before look number {@code look}, doubling with jitter.
   *
   * @param watched whether somebody wakes the sleeper when it is worth looking at once
   */
  static long pauseNanos(int look, long atMostNanos, boolean watched) {
    long pause =
        watched
            ? jittered(look, FIRST_WATCHED_PAUSE_NANOS, LONGEST_WATCHED_PAUSE_NANOS)
            : jittered(look, FIRST_PAUSE_NANOS, LONGEST_PAUSE_NANOS);
    return Math.min(pause, atMostNanos);
  }

  private static long jittered(int look, long first, long longest) {
    long pause = Math.min(longest, first << Math.min(look, 16));
    return pause / 2 + ThreadLocalRandom.current().nextLong(pause);
  }
}
