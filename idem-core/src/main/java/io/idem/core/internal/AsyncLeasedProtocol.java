package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.AsyncBody;
import io.idem.core.Decision;
import io.idem.core.Execution;
import io.idem.core.Recording;
import io.idem.core.store.AsyncStore;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreUnavailableException;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Leased mode without a thread that waits: the steps of {@link LeasedProtocol}, as stages.
 *
 * <p>What a claim means, what a run's end is to write and what the store's answer comes to is
 * decided by the same code, {@link ClaimDecision}, {@link Ending} and the other protocol. Here is
 * only how the store is asked and how time passes.
 */
final class AsyncLeasedProtocol {

  private final AsyncStore store;
  private final @Nullable CompletionSignal signal;
  private final LeasedProtocol single;
  private final LeaseKeeper keeper;
  private final Waiters waiters;
  private final Answers answers;
  private final Events events;
  private final BlockingCalls blocking;
  private final Executor afterRecovery;
  private final Executor afterEnd;
  private final ScheduledExecutorService threads;

  /**
   * Creates the protocol.
   *
   * @param single what decides
   * @param blocking where recovery hooks run
   * @param afterRecovery where a request goes on after its recovery hook
   * @param afterEnd where it does after its key was given up
   * @param threads where those go on who have waited
   */
  AsyncLeasedProtocol(
      AsyncStore store,
      @Nullable CompletionSignal signal,
      LeasedProtocol single,
      LeaseKeeper keeper,
      Waiters waiters,
      Answers answers,
      Events events,
      BlockingCalls blocking,
      Executor afterRecovery,
      Executor afterEnd,
      ScheduledExecutorService threads) {
    this.store = store;
    this.signal = signal;
    this.single = single;
    this.keeper = keeper;
    this.waiters = waiters;
    this.answers = answers;
    this.events = events;
    this.blocking = blocking;
    this.afterRecovery = afterRecovery;
    this.afterEnd = afterEnd;
    this.threads = threads;
  }

  /** Answers a call whose flight leads the others of its key on this node. */
  <T extends @Nullable Object> CompletionStage<Execution<T>> lead(
      Call<T, ?> call, Flight flight, AsyncBody<T> body) {
    return new Turns<>(call, flight)
        .start()
        .thenCompose(
            turn -> {
              if (turn.lease() != null) {
                return own(call, flight, turn.lease(), turn.request().takeOver(), body);
              }
              if (turn.failure() != null) {
                return storeDown(call, turn.request(), turn.failure(), body);
              }
              return CompletableFuture.completedFuture(Objects.requireNonNull(turn.answer()));
            });
  }

  /** Claims until the store has an answer that stands, or the wait is over. */
  private final class Turns<T extends @Nullable Object> {

    private final Call<T, ?> call;
    private final Flight flight;
    private final Alarm alarm = new Alarm(threads);
    private final CompletableFuture<LeasedProtocol.Turn<T>> last = new CompletableFuture<>();
    private ClaimRequest request;
    private int looks;
    private boolean waiting;
    private CompletionSignal.@Nullable Watch watch;

    Turns(Call<T, ?> call, Flight flight) {
      this.call = call;
      this.flight = flight;
      this.request = call.claim();
    }

    CompletionStage<LeasedProtocol.Turn<T>> start() {
      claim();
      return last;
    }

    private void claim() {
      long sentNanos = System.nanoTime();
      var unused =
          Stages.started(() -> store.claimAsync(request))
              .thenApply(claim -> Objects.requireNonNull(claim, "claim"))
              .whenComplete(
                  (claim, failure) -> {
                    try {
                      if (failure == null) {
                        claimed(claim, sentNanos);
                      } else {
                        failed(Stages.cause(failure));
                      }
                    } catch (Throwable e) {
                      end();
                      last.completeExceptionally(e);
                    }
                  });
    }

    private void claimed(Claim claim, long sentNanos) {
      ClaimDecision<T> decision = ClaimDecision.of(call, flight, answers, claim);
      if (decision instanceof ClaimDecision.Owned<T> owned) {
        end(
            new LeasedProtocol.Turn<>(
                request, LeasedProtocol.held(call, owned.lease(), sentNanos), null, null));
      } else if (decision instanceof ClaimDecision.Answered<T> answered) {
        end(new LeasedProtocol.Turn<>(request, answered.answer()));
      } else if (decision instanceof ClaimDecision.TakeOver) {
        request = request.withTakeOver(true);
        looks++;
        claim();
      } else if (call.remainingNanos() == 0 || (!waiting && !waiters.tryEnter())) {
        busy();
      } else {
        if (!waiting && signal != null) {
          watch = signal.watch(call.id(), alarm::wake);
        }
        waiting = true;
        pause();
      }
    }

    private void pause() {
      long nanos = Waiters.pauseNanos(looks++, call.remainingNanos(), watch != null);
      try {
        alarm.sleep(nanos, this::claim);
      } catch (RejectedExecutionException e) {
        busy(); // the engine is closed: nobody would wake it
      }
    }

    private void failed(Throwable failure) {
      if (failure instanceof BlockingCalls.FullException) {
        busy();
      } else if (failure instanceof RuntimeException unavailable) {
        end(new LeasedProtocol.Turn<>(request, null, unavailable, null));
      } else if (failure instanceof Exception checked) {
        end(
            new LeasedProtocol.Turn<>(
                request,
                null,
                new StoreUnavailableException(
                    "The store of operation '" + call.spec().title() + "' failed to claim a key",
                    checked),
                null));
      } else {
        single.claimBroke(List.of(call), request.takeOver(), failure);
        throw Sneaky.sneaky(failure);
      }
    }

    private void busy() {
      end(new LeasedProtocol.Turn<>(request, answers.busy(call)));
    }

    private void end(LeasedProtocol.Turn<T> turn) {
      end();
      last.complete(turn);
    }

    private void end() {
      if (waiting) {
        waiting = false;
        waiters.leave();
      }
      if (watch != null) {
        // First given up: what a store throws at it must not be met a second time.
        CompletionSignal.Watch closing = watch;
        watch = null;
        closing.close();
      }
    }
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> storeDown(
      Call<T, ?> call, ClaimRequest request, RuntimeException failure, AsyncBody<T> body) {
    AttemptImpl attempt = single.unprotected(call, request, failure, Steps.IN_UNPROTECTED_ASYNC);
    return Stages.started(() -> events.inside(attempt, () -> body.run(attempt)))
        .handle(
            (result, thrown) -> {
              if (thrown != null) {
                events.publish(Decision.RAN_UNPROTECTED, call, Stages.cause(thrown));
                throw Sneaky.sneaky(thrown);
              }
              return single.ranUnprotected(call, result);
            });
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> own(
      Call<T, ?> call, Flight flight, HeldLease held, boolean mayHaveTakenOver, AsyncBody<T> body) {
    keeper.add(held);
    return Stages.started(() -> recoverOrRun(call, flight, held, mayHaveTakenOver, body))
        .handle(
            (answer, failure) -> {
              CompletionStage<Execution<T>> known =
                  failure == null
                      ? CompletableFuture.completedFuture(answer)
                      : CompletableFuture.failedFuture(failure);
              // An error that nobody foresaw: the heartbeat must not keep the key for ever.
              return held.ending ? known : giveUp(call, held, null).thenCompose(unknown -> known);
            })
        .thenCompose(answer -> answer);
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> recoverOrRun(
      Call<T, ?> call, Flight flight, HeldLease held, boolean mayHaveTakenOver, AsyncBody<T> body) {
    AttemptImpl attempt = single.attempt(call, held, Steps.IN_ASYNC);
    AbandonedPolicy.Recover<T> policy = single.takenOver(call, held, mayHaveTakenOver);
    if (policy == null) {
      return run(call, flight, held, attempt, body);
    }
    return Stages.<@Nullable Execution<T>>endedOn(
            afterRecovery,
            blocking.begin(() -> single.recover(call, flight, held, attempt, policy)))
        .exceptionally(
            failure -> {
              if (Stages.cause(failure) instanceof BlockingCalls.FullException) {
                return answers.busy(call); // and the key is given up: nobody has asked
              }
              throw Sneaky.sneaky(failure);
            })
        .thenCompose(
            recovered ->
                recovered != null
                    ? CompletableFuture.completedFuture(recovered)
                    : run(call, flight, held, attempt, body));
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> run(
      Call<T, ?> call, Flight flight, HeldLease held, AttemptImpl attempt, AsyncBody<T> body) {
    return Stages.started(() -> events.inside(attempt, () -> body.run(attempt)))
        .handle(
            (result, failure) ->
                failure == null
                    ? succeeded(call, flight, held, result)
                    : failed(call, flight, held, Stages.cause(failure)))
        .thenCompose(answer -> answer);
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> succeeded(
      Call<T, ?> call, Flight flight, HeldLease held, T result) {
    Ending ending = Ending.ofResult(call, answers, result);
    return end(call, flight, held, ending)
        .thenApply(recording -> single.answered(call, held, ending, result, recording));
  }

  private <T extends @Nullable Object> CompletionStage<Execution<T>> failed(
      Call<T, ?> call, Flight flight, HeldLease held, Throwable failure) {
    Ending ending = Ending.ofFailure(call, answers, failure);
    return end(call, flight, held, ending)
        .thenApply(
            recording -> {
              single.failed(call, ending, failure);
              throw Sneaky.sneaky(failure);
            });
  }

  private CompletionStage<Recording> end(
      Call<?, ?> call, Flight flight, HeldLease held, Ending ending) {
    if (ending instanceof Ending.Recorded recorded) {
      return record(call, flight, held, recorded);
    } else if (ending instanceof Ending.Freed) {
      return free(call, held);
    }
    return giveUp(call, held, ((Ending.GivenUp) ending).cause());
  }

  private CompletionStage<Recording> record(
      Call<?, ?> call, Flight flight, HeldLease held, Ending.Recorded recorded) {
    long sentNanos = System.nanoTime();
    return write(
            call,
            LeasedProtocol.COMPLETION,
            held,
            () -> store.completeAsync(held.lease, recorded.outcome(), call.spec().retention()),
            single.completing(call, held, recorded.outcome()))
        .thenApply(
            check ->
                check == null
                    ? Recording.PENDING
                    : single.landed(call, flight, held, recorded.outcome(), check, sentNanos));
  }

  private CompletionStage<Recording> free(Call<?, ?> call, HeldLease held) {
    return write(
            call,
            "release",
            held,
            () ->
                Ending.isEarlierRunUnknown(call, held)
                    ? expire(held)
                    : store.releaseAsync(held.lease),
            single.freeing(call, held))
        .thenApply(check -> check == null ? Recording.PENDING : LeasedProtocol.freed(check));
  }

  /** Writes once, and leaves the rest to the background. Null says that the store failed. */
  private CompletionStage<@Nullable LeaseCheck> write(
      Call<?, ?> call,
      String what,
      HeldLease held,
      Callable<CompletionStage<LeaseCheck>> write,
      Supplier<LeaseCheck> again) {
    held.ending = true;
    return Stages.started(write)
        .<@Nullable LeaseCheck>handle(
            (check, failure) -> {
              if (failure != null) {
                single.owed(call, what, held, again, Stages.cause(failure));
                return null;
              }
              single.settled(call, what, held, check);
              return check;
            });
  }

  /** The heartbeat's threads, which may have to do it, are not for what follows. */
  private CompletionStage<LeaseCheck> expire(HeldLease held) {
    return Stages.endedOn(afterEnd, keeper.expireAsync(held, store));
  }

  private CompletionStage<Recording> giveUp(
      Call<?, ?> call, HeldLease held, @Nullable Throwable cause) {
    held.ending = true;
    return Stages.started(() -> expire(held))
        .handle(
            (check, failure) -> {
              LeaseCheck known =
                  failure == null ? check : single.leftToItsLease(call, Stages.cause(failure));
              single.gaveUp(call, held, cause, known);
              return Recording.UNKNOWN;
            });
  }
}
