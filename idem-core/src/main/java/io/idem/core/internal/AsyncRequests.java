package io.idem.core.internal;

import io.idem.core.AsyncBody;
import io.idem.core.Execution;
import io.idem.core.store.RecordId;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ScheduledExecutorService;
import org.jspecify.annotations.Nullable;

/**
 * The way of an asynchronous request through the engine: that of the others, with a stage wherever
 * they wait. Both meet in the same flights.
 */
final class AsyncRequests {

  private final ConcurrentMap<RecordId, Flight> flights;
  private final Waiters waiters;
  private final Answers answers;
  private final AsyncLeasedProtocol protocol;
  private final ScheduledExecutorService threads;

  AsyncRequests(
      ConcurrentMap<RecordId, Flight> flights,
      Waiters waiters,
      Answers answers,
      AsyncLeasedProtocol protocol,
      ScheduledExecutorService threads) {
    this.flights = flights;
    this.waiters = waiters;
    this.answers = answers;
    this.protocol = protocol;
    this.threads = threads;
  }

  <T extends @Nullable Object> CompletionStage<Execution<T>> execute(
      Call<T, ?> call, AsyncBody<T> body) {
    CompletableFuture<Execution<T>> answer = new CompletableFuture<>();
    leadOrFollow(call, body, answer);
    return answer;
  }

  /** Goes round until there is an answer; no stage of an earlier round is kept. */
  private <T extends @Nullable Object> void leadOrFollow(
      Call<T, ?> call, AsyncBody<T> body, CompletableFuture<Execution<T>> answer) {
    Flight flight = Flight.ofNoThread();
    Flight leading = flights.putIfAbsent(call.id(), flight);
    CompletionStage<@Nullable Execution<T>> stage =
        leading == null ? lead(call, flight, body) : follow(call, leading);
    var unused =
        stage.whenComplete(
            (known, failure) -> {
              if (failure != null) {
                answer.completeExceptionally(Stages.cause(failure));
              } else if (known != null) {
                answer.complete(known);
              } else if (call.hasWaited()) {
                answer.complete(answers.busy(call)); // as its leader has just asked the store
              } else {
                leadOrFollow(call, body, answer);
              }
            });
  }

  private <T extends @Nullable Object> CompletionStage<@Nullable Execution<T>> lead(
      Call<T, ?> call, Flight flight, AsyncBody<T> body) {
    return Stages.<@Nullable Execution<T>>started(
            () -> protocol.lead(call, flight, body).thenApply(answer -> answer))
        .whenComplete(
            (answer, failure) -> {
              flights.remove(call.id(), flight);
              flight.end();
            });
  }

  /** Null says that the caller has to try to lead. */
  private <T extends @Nullable Object> CompletionStage<@Nullable Execution<T>> follow(
      Call<T, ?> call, Flight leading) {
    if (leading.isLedByThisThread()) {
      return CompletableFuture.completedFuture(answers.within(call, leading.ownerSoFar()));
    }
    if (!waiters.tryEnter()) {
      return CompletableFuture.completedFuture(answers.busy(call));
    }
    return new AsyncFollower<>(call, leading, answers, threads)
        .start()
        .whenComplete((answer, failure) -> waiters.leave());
  }
}
