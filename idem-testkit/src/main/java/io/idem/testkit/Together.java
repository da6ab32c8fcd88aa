package io.idem.testkit;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Threads that start at the same moment and are always waited for, with a bound. */
public final class Together {

  /** How long anything may take before a test gives up on it. */
  public static final Duration PATIENCE = Duration.ofSeconds(60);

  private Together() {}

  /**
   * Runs tasks at once, each on a thread of its own.
   *
   * @param tasks what to run
   * @param <T> what each answers
   * @return the answers in the order of the tasks
   * @throws AssertionError if a task fails or does not end in time
   */
  public static <T> List<T> run(List<? extends Callable<T>> tasks) {
    ExecutorService threads = Executors.newFixedThreadPool(tasks.size());
    try {
      CountDownLatch ready = new CountDownLatch(tasks.size());
      List<Future<T>> futures = new ArrayList<>();
      for (Callable<T> task : tasks) {
        futures.add(
            threads.submit(
                () -> {
                  ready.countDown();
                  if (!ready.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                    throw new IllegalStateException("The other threads did not start");
                  }
                  return task.call();
                }));
      }
      List<T> answers = new ArrayList<>();
      for (Future<T> future : futures) {
        answers.add(answer(future));
      }
      return answers;
    } finally {
      end(threads);
    }
  }

  /**
   * Runs something while a task runs on another thread.
   *
   * @param task what runs on the other thread
   * @param meanwhile what runs on this one
   * @param <T> what the task answers
   * @return the task's answer
   * @throws AssertionError if the task fails or does not end in time
   */
  public static <T> T runWhile(Callable<T> task, Runnable meanwhile) {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      Future<T> future = thread.submit(task);
      meanwhile.run();
      return answer(future);
    } finally {
      end(thread);
    }
  }

  /**
   * Waits for a condition.
   *
   * @param what what is waited for
   * @param condition asked again and again
   * @throws AssertionError if it does not come true in time
   */
  public static void await(String what, BooleanSupplier condition) {
    long start = System.nanoTime();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - start > PATIENCE.toNanos()) {
        throw new AssertionError("Waited in vain: " + what);
      }
      LockSupport.parkNanos(2_000_000);
    }
  }

  /**
   * Waits for a condition that may throw.
   *
   * @param what what is waited for
   * @param condition asked again and again
   * @throws AssertionError if it throws an exception or does not come true in time
   */
  public static void awaitChecked(String what, Callable<Boolean> condition) {
    await(
        what,
        () -> {
          try {
            return condition.call();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError("Interrupted", e);
          } catch (Exception e) {
            throw new AssertionError("Failed: " + what, e);
          }
        });
  }

  /**
   * Waits for another thread.
   *
   * @param latch what the other thread counts down
   * @throws AssertionError if it does not in time
   */
  public static void await(CountDownLatch latch) {
    try {
      if (!latch.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("The other thread did not come so far");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted", e);
    }
  }

  private static <T> T answer(Future<T> future) {
    try {
      return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new AssertionError("A concurrent task failed: " + e.getCause(), e.getCause());
    } catch (TimeoutException e) {
      throw new AssertionError("A concurrent task did not end in time", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted", e);
    }
  }

  private static void end(ExecutorService threads) {
    threads.shutdownNow();
    try {
      if (!threads.awaitTermination(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
        throw new AssertionError("A thread is still running");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted", e);
    }
  }
}
