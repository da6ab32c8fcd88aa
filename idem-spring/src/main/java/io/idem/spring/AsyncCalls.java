package io.idem.spring;

import io.idem.core.Attempt;
import io.idem.core.Execution;
import io.idem.core.IdempotentRequest;
import io.idem.core.Operation;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.NullUnmarked;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.ProxyMethodInvocation;

/** Calls of methods that return a stage. */
final class AsyncCalls {

  private AsyncCalls() {}

  /** Ends as the method's stage does, or without a run, and belongs to the caller. */
  static CompletableFuture<@Nullable Object> call(
      Operation<@Nullable Object> operation,
      IdempotentRequest request,
      MethodInvocation invocation,
      int attemptIndex) {
    CompletableFuture<@Nullable Object> result = new CompletableFuture<>();
    var unused =
        operation
            .executeAsync(request, attempt -> stage(proceed(invocation, attemptIndex, attempt)))
            .whenComplete((execution, failure) -> end(result, execution, failure));
    return result;
  }

  @NullUnmarked // an execution or a failure, and the result may be null
  private static void end(
      CompletableFuture<Object> result, Execution<Object> execution, Throwable failure) {
    if (failure != null) {
      result.completeExceptionally(failure);
      return;
    }
    try {
      result.complete(execution.orElseThrow());
    } catch (RuntimeException e) {
      result.completeExceptionally(e);
    }
  }

  @SuppressWarnings("unchecked") // the method's own type, which is looked at before
  private static CompletionStage<@Nullable Object> stage(@Nullable Object returned) {
    if (returned == null) {
      throw new IllegalStateException("An @Idempotent method returned no stage but null");
    }
    return (CompletionStage<@Nullable Object>) returned;
  }

  /**
   * Goes on with a call, perhaps after it has returned and on another thread, with the attempt
   * where the method asks for it. What the caller holds stays as it is.
   */
  static @Nullable Object proceed(
      MethodInvocation invocation, int attemptIndex, @Nullable Attempt attempt) throws Exception {
    MethodInvocation call = invocation;
    if (invocation instanceof ProxyMethodInvocation proxied) {
      @Nullable Object[] arguments = invocation.getArguments().clone();
      if (attemptIndex >= 0 && attempt != null) {
        arguments[attemptIndex] = attempt;
      }
      call = proxied.invocableClone(arguments);
    }
    try {
      return call.proceed();
    } catch (Exception | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException("Neither an exception nor an error was thrown", e);
    }
  }
}
