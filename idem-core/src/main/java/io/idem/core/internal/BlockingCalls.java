package io.idem.core.internal;

import io.idem.core.store.StoreNotAskedException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The threads on which is done what blocks, for those who must not be held up.
 *
 * <p>Both the threads and what may wait for one are bounded. What ends a run has threads of its
 * own, so that it waits neither for claims nor for recovery hooks while a lease runs out. It is
 * never refused: as many as there are runs can come, and each was let in before.
 */
final class BlockingCalls {

  private final ThreadPoolExecutor beginnings;
  private final ThreadPoolExecutor endings;
  private final Semaphore places;

  /**
   * Creates the threads' keeper.
   *
   * @param beginnings for claims and recovery hooks, with a queue that takes everything
   * @param endings for what ends a run, likewise
   * @param mostWaiting how many beginnings may wait for a thread
   */
  BlockingCalls(ThreadPoolExecutor beginnings, ThreadPoolExecutor endings, int mostWaiting) {
    this.beginnings = beginnings;
    this.endings = endings;
    // Not the sum, which may overflow where everybody may wait.
    this.places =
        new Semaphore(
            (int)
                Math.min(Integer.MAX_VALUE, beginnings.getMaximumPoolSize() + (long) mostWaiting));
  }

  /** All threads are busy, and as many calls wait for one as may. The store was not asked. */
  static final class FullException extends StoreNotAskedException {

    private static final long serialVersionUID = 1L;

    FullException() {
      super(
          "No thread is free to ask the store, and as many calls wait for one as may: set"
              + " blockingThreads(…) to more, or use a store that is an AsyncStore",
          null);
    }
  }

  /**
   * Begins something that may be refused.
   *
   * @return ends with a {@link FullException} if it is, and with what was thrown where no thread
   *     could be had
   */
  <R extends @Nullable Object> CompletionStage<R> begin(Supplier<R> call) {
    if (!places.tryAcquire()) {
      return CompletableFuture.failedFuture(new FullException());
    }
    CompletableFuture<R> begun;
    try {
      begun = CompletableFuture.supplyAsync(call, beginnings);
    } catch (Throwable e) {
      places.release(); // nothing ends that has not begun
      return CompletableFuture.failedFuture(e);
    }
    return begun.whenComplete((answer, failure) -> places.release());
  }

  /** Does what ends a run. */
  <R extends @Nullable Object> CompletableFuture<R> end(Supplier<R> call) {
    return CompletableFuture.supplyAsync(call, endings);
  }
}
