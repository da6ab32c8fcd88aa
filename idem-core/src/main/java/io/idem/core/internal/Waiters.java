package io.idem.core.internal;

import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Bounds how many callers wait at once, and how long each sleeps between two looks at a store. */
final class Waiters {

  private static final long FIRST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long LONGEST_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(250);

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
   * @return false if the caller was interrupted; its interrupt status is kept
   */
  boolean pause(int look, long atMostNanos) {
    long pause = Math.min(LONGEST_PAUSE_NANOS, FIRST_PAUSE_NANOS << Math.min(look, 16));
    long jittered = pause / 2 + ThreadLocalRandom.current().nextLong(pause);
    try {
      TimeUnit.NANOSECONDS.sleep(Math.min(jittered, atMostNanos));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
