package io.idem.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Threads that are joined and conditions that are waited for, both within a bound. */
final class Concurrency implements AutoCloseable {

  static final Duration BOUND = Duration.ofSeconds(20);

  private final List<Thread> threads = new ArrayList<>();

  /** A task in a thread of its own. */
  static final class Started<T> {
    private final FutureTask<T> task;
    final Thread thread;

    private Started(Callable<T> task) {
      this.task = new FutureTask<>(task);
      this.thread = new Thread(this.task, "test");
    }

    T answer() {
      try {
        return task.get(BOUND.toMillis(), TimeUnit.MILLISECONDS);
      } catch (ExecutionException e) {
        throw new AssertionError("The thread failed", e.getCause());
      } catch (InterruptedException | TimeoutException e) {
        throw new AssertionError("The thread did not end within " + BOUND, e);
      }
    }

    boolean isDone() {
      return task.isDone();
    }

    /** Waits until the thread is parked, which is how a caller waits. */
    void awaitParked() {
      awaitUntil(
          "the thread waits",
          () ->
              thread.getState() == Thread.State.WAITING
                  || thread.getState() == Thread.State.TIMED_WAITING);
    }
  }

  <T> Started<T> start(Callable<T> task) {
    Started<T> started = new Started<>(task);
    threads.add(started.thread);
    started.thread.start();
    return started;
  }

  /** Starts the task as often as asked, all at once, and answers with all answers. */
  <T> List<T> together(int times, Callable<T> task) {
    CountDownLatch ready = new CountDownLatch(times);
    List<Started<T>> all = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      all.add(
          start(
              () -> {
                ready.countDown();
                await(ready);
                return task.call();
              }));
    }
    return all.stream().map(Started::answer).toList();
  }

  static void await(CountDownLatch latch) {
    try {
      if (!latch.await(BOUND.toMillis(), TimeUnit.MILLISECONDS)) {
        fail("The latch was not opened within " + BOUND);
      }
    } catch (InterruptedException e) {
      throw new AssertionError("Interrupted", e);
    }
  }

  static void awaitUntil(String what, BooleanSupplier condition) {
    long deadline = System.nanoTime() + BOUND.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - deadline > 0) {
        fail("Within " + BOUND + " it did not come to be that " + what);
      }
      LockSupport.parkNanos(1_000_000);
    }
  }

  /** Joins every thread. */
  @Override
  public void close() {
    for (Thread thread : threads) {
      try {
        thread.join(BOUND.toMillis());
      } catch (InterruptedException e) {
        throw new AssertionError("Interrupted", e);
      }
      assertThat(thread.isAlive()).as("a test's thread is still running").isFalse();
    }
  }
}
