package io.idem.core.internal;

import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Stages of other people's making, whatever they do. */
final class Stages {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private Stages() {}

  /** Starts something. What it throws instead of starting is what its stage ends with. */
  static <R extends @Nullable Object> CompletionStage<R> started(
      Callable<? extends CompletionStage<R>> start) {
    try {
      return Objects.requireNonNull(start.call(), "stage");
    } catch (Throwable e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  /**
   * A stage that ends on other threads than the one that brings its end. One that has ended already
   * is as good as it is: who depends on it goes on where he stands. So he does where the threads
   * take nothing.
   */
  static <R extends @Nullable Object> CompletionStage<R> endedOn(
      Executor threads, CompletionStage<R> stage) {
    if (stage == null || hasEnded(stage)) {
      return stage; // also none: whoever started it says so
    }
    CompletableFuture<R> next = new CompletableFuture<>();
    var unused =
        stage.whenComplete(
            (result, failure) ->
                execute(
                    threads,
                    () -> {
                      if (failure == null) {
                        next.complete(result);
                      } else {
                        next.completeExceptionally(failure);
                      }
                    }));
    return next;
  }

  /** Where there is no thread to be had, the one that is here has to do: else nobody would. */
  private static void execute(Executor threads, Runnable task) {
    try {
      threads.execute(task);
    } catch (RejectedExecutionException e) {
      task.run(); // the engine is closed
    } catch (Throwable e) {
      log.warn("What depends on a store's answer goes on by the thread that has brought it", e);
      task.run();
    }
  }

  /** Whether a stage says that it has ended. */
  private static boolean hasEnded(CompletionStage<?> stage) {
    try {
      return stage instanceof CompletableFuture<?> known && known.isDone();
    } catch (UnsupportedOperationException e) {
      return false; // a minimal stage is a future that does not say
    }
  }

  /** What a stage ended with, without what stages wrap around it. */
  static Throwable cause(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }
}
