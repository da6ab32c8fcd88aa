package io.idem.core.internal;

import io.idem.core.Execution;
import io.idem.core.store.Claim;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * A request that waits for the leader of its key and holds no thread while it does. Its place among
 * the waiters is the caller's to give back.
 */
final class AsyncFollower<T extends @Nullable Object> {

  private final Call<T, ?> call;
  private final Flight leading;
  private final Answers answers;
  private final Alarm alarm;
  private final CompletableFuture<@Nullable Execution<T>> answer = new CompletableFuture<>();

  AsyncFollower(
      Call<T, ?> call, Flight leading, Answers answers, ScheduledExecutorService threads) {
    this.call = call;
    this.leading = leading;
    this.answers = answers;
    this.alarm = new Alarm(threads);
  }

  /**
   * Follows.
   *
   * @return null says that the caller has to try to lead
   */
  CompletionStage<@Nullable Execution<T>> start() {
    Runnable changed = alarm::wake;
    leading.attach(changed);
    look();
    return answer.whenComplete((known, failure) -> leading.detach(changed));
  }

  private void look() {
    try {
      if (!leading.isOwnerKnown()) {
        lookAgainWithin(call.remainingNanos(Engine.LOOK_NANOS));
      } else if (!leading.ownerSoFar().matches(call.fingerprint())) {
        answer.complete(answers.keyReused(call));
      } else if (!leading.hasEnded()) {
        lookAgainWithin(call.remainingNanos());
      } else {
        Claim.Completed outcome = leading.outcome();
        answer.complete(outcome == null ? null : answers.fromStored(call, outcome));
      }
    } catch (Throwable e) {
      answer.completeExceptionally(e);
    }
  }

  private void lookAgainWithin(long nanos) {
    try {
      if (nanos > 0) {
        alarm.sleep(nanos, this::look);
        return;
      }
    } catch (RejectedExecutionException e) {
      // The engine is closed: nobody would wake it.
    }
    answer.complete(answers.busy(call));
  }
}
