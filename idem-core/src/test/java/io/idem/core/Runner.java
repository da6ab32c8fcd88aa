package io.idem.core;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** How the cases of a test have an operation carry a request. All of them wait for the answer. */
enum Runner {
  /** On the calling thread. */
  SYNC,

  /** Without a thread, on a store that answers with stages. */
  ASYNC,

  /** Without a thread, on a store whose stages do not say whether they have ended. */
  MINIMAL,

  /** Without a thread, on a store that blocks. */
  OFFLOADED;

  /** An operation as this runner asks it. */
  interface Asked<T> {

    <X extends Throwable> Execution<T> execute(IdempotentRequest request, Body<T, X> body) throws X;

    default <X extends Throwable> Execution<T> execute(String key, Work<T, X> work) throws X {
      return execute(IdempotentRequest.of(key), attempt -> work.run());
    }
  }

  <T> Asked<T> on(Operation<T> operation) {
    return new Asked<>() {
      @Override
      public <X extends Throwable> Execution<T> execute(IdempotentRequest request, Body<T, X> body)
          throws X {
        return Runner.this == SYNC
            ? operation.execute(request, body)
            : Runner.<Execution<T>, X>join(
                operation
                    .executeAsync(request, attempt -> inItsOwnThread(body, attempt))
                    .toCompletableFuture());
      }
    };
  }

  /** Bodies of these tests block, which what calls them must not. */
  private static <T, X extends Throwable> CompletableFuture<T> inItsOwnThread(
      Body<T, X> body, Attempt attempt) {
    CompletableFuture<T> result = new CompletableFuture<>();
    new Thread(
            () -> {
              try {
                result.complete(body.run(attempt));
              } catch (Throwable e) {
                result.completeExceptionally(e);
              }
            },
            "body")
        .start();
    return result;
  }

  @SuppressWarnings("unchecked") // a stage ends with what the body throws, or with what no body may
  private static <R, X extends Throwable> R join(CompletableFuture<R> answer) throws X {
    try {
      return answer.get(2 * Concurrency.BOUND.toMillis(), TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw (X) e.getCause();
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("The stage did not end", e);
    }
  }
}
