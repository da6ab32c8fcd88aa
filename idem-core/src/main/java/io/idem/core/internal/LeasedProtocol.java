package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.AbandonedPolicy.Recovery;
import io.idem.core.Decision;
import io.idem.core.Execution;
import io.idem.core.Recording;
import io.idem.core.store.Claim;
import io.idem.core.store.ClaimRequest;
import io.idem.core.store.CompletionSignal;
import io.idem.core.store.Fingerprint;
import io.idem.core.store.IdempotencyStore;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreNotAskedException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leased mode.
 *
 * <ol>
 *   <li>Claim the key. A store that cannot say is answered by the operation's policy; the token of
 *       that claim is released in the background, for it may have been taken.
 *   <li>A stored outcome is replayed, a different fingerprint is misuse, a live lease is waited for
 *       within the bound, an abandoned key is answered by the operation's policy.
 *   <li>Run the body while the heartbeat keeps the lease.
 *   <li>Record, free or give up the key, each conditional on the lease. The body is never run again
 *       in this call, whatever the store says now.
 * </ol>
 */
final class LeasedProtocol implements Protocol {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  /** The name of the write that stores an outcome. */
  static final String COMPLETION = "completion";

  private final IdempotencyStore store;
  private final @Nullable CompletionSignal signal;
  private final LeaseKeeper keeper;
  private final PendingWrites pending;
  private final Waiters waiters;
  private final Answers answers;
  private final CachedAnswers cache;
  private final Events events;
  private final StepRuns stepRuns;
  private final String namespace;

  LeasedProtocol(
      IdempotencyStore store,
      LeaseKeeper keeper,
      PendingWrites pending,
      Waiters waiters,
      Answers answers,
      CachedAnswers cache,
      Events events,
      StepRuns stepRuns,
      String namespace) {
    this.store = store;
    this.signal = Capabilities.of(store, CompletionSignal.class).orElse(null);
    this.keeper = keeper;
    this.pending = pending;
    this.waiters = waiters;
    this.answers = answers;
    this.cache = cache;
    this.events = events;
    this.stepRuns = stepRuns;
    this.namespace = namespace;
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> Execution<T> lead(
      Call<T, X> call, Flight flight) throws X {
    Turn<T> turn = awaitTurn(call, flight);
    if (turn.lease != null) {
      return own(call, flight, turn.lease, turn.request.takeOver());
    }
    if (turn.failure != null) {
      return storeDown(call, turn.request, turn.failure);
    }
    return Objects.requireNonNull(turn.answer);
  }

  /** Claims until the store has an answer that stands, or the wait is over. */
  private <T extends @Nullable Object> Turn<T> awaitTurn(Call<T, ?> call, Flight flight) {
    ClaimRequest request = call.claim();
    boolean waiting = false;
    Semaphore woken = null;
    CompletionSignal.Watch watch = null;
    try {
      for (int look = 0; ; look++) {
        Claim claim;
        long sentNanos = System.nanoTime();
        try {
          claim = store.claim(request);
        } catch (RuntimeException e) {
          return new Turn<>(request, null, e, null);
        } catch (Throwable e) {
          claimBroke(List.of(call), request.takeOver(), e);
          throw e;
        }
        ClaimDecision<T> decision = ClaimDecision.of(call, flight, answers, claim);
        if (decision instanceof ClaimDecision.Owned<T> owned) {
          return new Turn<>(request, held(call, owned.lease(), sentNanos), null, null);
        } else if (decision instanceof ClaimDecision.Answered<T> answered) {
          return new Turn<>(request, answered.answer());
        } else if (decision instanceof ClaimDecision.TakeOver) {
          request = request.withTakeOver(true);
        } else {
          if (call.remainingNanos() == 0 || (!waiting && !waiters.tryEnter())) {
            return new Turn<>(request, answers.busy(call));
          }
          if (!waiting && signal != null) {
            woken = new Semaphore(0);
            watch = signal.watch(call.id(), woken::release);
          }
          waiting = true;
          if (!waiters.pause(look, call.remainingNanos(), watch == null ? null : woken)) {
            return new Turn<>(request, answers.busy(call));
          }
        }
      }
    } finally {
      if (watch != null) {
        watch.close();
      }
      if (waiting) {
        waiters.leave();
      }
    }
  }

  /** What the claims of a call came to: a lease, a store that cannot say, or an answer. */
  record Turn<T extends @Nullable Object>(
      ClaimRequest request,
      @Nullable HeldLease lease,
      @Nullable RuntimeException failure,
      @Nullable Execution<T> answer) {

    Turn(ClaimRequest request, Execution<T> answer) {
      this(request, null, null, answer);
    }
  }

  private <T extends @Nullable Object, X extends Throwable> Execution<T> storeDown(
      Call<T, X> call, ClaimRequest request, RuntimeException failure) throws X {
    AttemptImpl attempt =
        unprotected(call, request, failure, new StepRuns.Unprotected(stepRuns, call));
    T result;
    try {
      result = events.inside(attempt, () -> call.body().run(attempt));
    } catch (Throwable e) {
      events.publish(Decision.RAN_UNPROTECTED, call, e);
      throw e;
    }
    return ranUnprotected(call, result);
  }

  /**
   * What runs although the store cannot say whose the key is.
   *
   * @throws StoreUnavailableException if the operation fails closed
   */
  AttemptImpl unprotected(
      Call<?, ?> call, ClaimRequest request, RuntimeException failure, Steps steps) {
    events.publish(Decision.STORE_FAILURE, call, failure);
    if (!(failure instanceof StoreNotAskedException)) {
      returnUnknown(List.of(call), request.takeOver());
    }
    if (!call.spec().failsOpenNow()) {
      throw unavailable(call.spec(), failure);
    }
    log.warn(
        "Operation '{}' runs without protection, because its store is down and it fails open",
        call.spec().title(),
        failure);
    return new AttemptImpl(namespace, call, 1, () -> true, null, steps);
  }

  <T extends @Nullable Object> Execution<T> ranUnprotected(Call<T, ?> call, T result) {
    events.publish(Decision.RAN_UNPROTECTED, call, null);
    return new Execution.Ran<>(result, Recording.UNPROTECTED);
  }

  /**
   * Gives back claims that may have been taken although the store failed to answer. Nothing has run
   * under their tokens, but where they may have taken over, an earlier run's outcome is unknown,
   * and the key must not become free.
   */
  void returnUnknown(List<? extends Call<?, ?>> calls, boolean mayHaveTakenOver) {
    List<HeldLease> unknown =
        calls.stream()
            .map(
                call ->
                    held(call, new Lease(call.id(), call.claim().token(), 1), System.nanoTime()))
            .toList();
    pending.addPrecaution(
        "return",
        unknown.get(0),
        () -> {
          LeaseCheck all = LeaseCheck.LOST;
          for (HeldLease each : unknown) {
            LeaseCheck check = mayHaveTakenOver ? keeper.expire(each) : store.release(each.lease);
            all = check == LeaseCheck.HELD ? check : all;
          }
          return all;
        });
  }

  /**
   * Notes that claims ended in an error, which is thrown whatever the operation's policy is: it
   * says of this process that something is wrong, and nothing of the store.
   */
  void claimBroke(List<? extends Call<?, ?>> calls, boolean mayHaveTakenOver, Throwable error) {
    calls.forEach(call -> events.publish(Decision.STORE_FAILURE, call, error));
    returnUnknown(calls, mayHaveTakenOver);
  }

  /** What the caller is thrown whose operation fails closed. */
  static StoreUnavailableException unavailable(OperationSpec<?> spec, RuntimeException failure) {
    return failure instanceof StoreUnavailableException unavailable
        ? unavailable
        : new StoreUnavailableException(
            "The store of operation '" + spec.title() + "' failed to claim a key", failure);
  }

  private <T extends @Nullable Object, X extends Throwable> Execution<T> own(
      Call<T, X> call, Flight flight, HeldLease held, boolean mayHaveTakenOver) throws X {
    keeper.add(held);
    try {
      Steps steps = stepsOf(call, held);
      AbandonedPolicy.Recover<T> policy = takenOver(call, held, mayHaveTakenOver);
      if (policy != null) {
        Execution<T> recovered =
            recover(call, flight, held, attempt(call, held, Steps.IN_RECOVERY), policy);
        if (recovered != null) {
          return recovered;
        }
      }
      AttemptImpl attempt = attempt(call, held, steps);
      T result;
      try {
        result = events.inside(attempt, () -> call.body().run(attempt));
      } catch (Throwable failure) {
        Execution<T> stopped = failed(call, flight, held, failure);
        if (stopped != null) {
          return stopped;
        }
        throw failure;
      }
      return succeeded(call, flight, held, result);
    } finally {
      if (!held.ending) {
        // An error that nobody foresaw: the heartbeat must not keep the key for ever.
        giveUp(call, held, null);
      }
    }
  }

  /** The steps of a run under a lease, which are recorded under leases of their own. */
  private Steps stepsOf(Call<?, ?> call, HeldLease held) {
    if (call.spec().step() != null) {
      return Steps.IN_STEP;
    }
    RecordedSteps steps = new RecordedSteps(stepRuns, call, held);
    held.steps = steps;
    return steps;
  }

  /** The run under a lease. */
  AttemptImpl attempt(Call<?, ?> call, HeldLease held, Steps steps) {
    return new AttemptImpl(namespace, call, held.lease.attempt(), () -> !held.lost, null, steps);
  }

  /** Notes a take-over. Answers how to find out about the last run, null if the body is to run. */
  <T extends @Nullable Object> AbandonedPolicy.@Nullable Recover<T> takenOver(
      Call<T, ?> call, HeldLease held, boolean mayHaveTakenOver) {
    if (!mayHaveTakenOver || held.lease.attempt() == 1) {
      return null;
    }
    events.publish(Decision.TAKEN_OVER, call, null);
    return call.spec().abandoned() instanceof AbandonedPolicy.Recover<T> policy ? policy : null;
  }

  /** Asks what became of the last run. Null means that nothing did, and the body is to run. */
  <T extends @Nullable Object> @Nullable Execution<T> recover(
      Call<T, ?> call,
      Flight flight,
      HeldLease held,
      AttemptImpl attempt,
      AbandonedPolicy.Recover<T> policy) {
    Recovery<T> found;
    try {
      found = events.inside(attempt, () -> policy.hook().recover(attempt));
    } catch (Exception e) {
      if (e instanceof InterruptedException) {
        Thread.currentThread().interrupt();
      }
      log.warn("The recovery of operation '{}' failed", call.spec().title(), e);
      found = new Recovery.StillUnknown<>();
    }
    if (found instanceof Recovery.DidNotHappen && isStillOurs(call, held)) {
      return null;
    }
    if (found instanceof Recovery.Happened<T> happened) {
      StoredOutcome outcome = answers.encodeOrExplain(call.spec(), happened.result());
      Recording recording = record(call, flight, held, outcome);
      return recording == Recording.STORED
          ? answers.fromStored(call, new Claim.Completed(call.fingerprint(), outcome))
          : answers.unresolved(call, held.lease.attempt());
    }
    giveUp(call, held, null);
    return answers.unresolved(call, held.lease.attempt());
  }

  /** A hook may take long: whoever took over meanwhile was told the same and runs the body too. */
  private boolean isStillOurs(Call<?, ?> call, HeldLease held) {
    try {
      return keeper.confirm(held) == LeaseCheck.HELD;
    } catch (RuntimeException e) {
      log.warn(
          "Operation '{}' recovered record {}, but cannot tell whether it still owns it",
          call.spec().title(),
          call.id(),
          e);
      events.publish(Decision.STORE_FAILURE, call, e);
      return false;
    }
  }

  private <T extends @Nullable Object> Execution<T> succeeded(
      Call<T, ?> call, Flight flight, HeldLease held, T result) {
    Ending ending = Ending.ofResult(call, answers, result);
    return answered(call, held, ending, result, end(call, flight, held, ending));
  }

  /** The answer to the caller of a run, by what became of its record. */
  <T extends @Nullable Object> Execution<T> answered(
      Call<T, ?> call, HeldLease held, Ending ending, T result, Recording recording) {
    if (ending instanceof Ending.GivenUp) {
      return new Execution.Ran<>(result, Recording.UNKNOWN);
    }
    if (recording == Recording.UNKNOWN) {
      // Somebody else runs under this key or has: theirs is the answer a repeat will be given.
      return answers.unresolved(call, held.lease.attempt());
    }
    events.publish(Decision.RAN, call, null);
    return new Execution.Ran<>(result, recording);
  }

  /** Answers where a step has stopped the run for a reason that a caller is told as an answer. */
  private <T extends @Nullable Object> @Nullable Execution<T> failed(
      Call<T, ?> call, Flight flight, HeldLease held, Throwable failure) {
    RecordedSteps steps = held.steps;
    RuntimeException stop = steps == null ? null : steps.stopIn(failure);
    Ending ending =
        stop == null ? Ending.ofFailure(call, answers, failure) : new Ending.GivenUp(failure);
    end(call, flight, held, ending);
    failed(call, ending, failure);
    return stop == null ? null : RecordedSteps.answer(call, answers, held, stop);
  }

  /** Notes a failure whose key has been written. */
  void failed(Call<?, ?> call, Ending ending, Throwable failure) {
    if (!(ending instanceof Ending.GivenUp)) {
      events.publish(Decision.FAILED, call, failure);
    }
  }

  private Recording end(Call<?, ?> call, Flight flight, HeldLease held, Ending ending) {
    if (ending instanceof Ending.Recorded recorded) {
      return record(call, flight, held, recorded.outcome());
    } else if (ending instanceof Ending.Freed) {
      return free(call, held);
    }
    giveUp(call, held, ((Ending.GivenUp) ending).cause());
    return Recording.UNKNOWN;
  }

  /** Stores an outcome; {@link Recording#UNKNOWN} says that the lease was lost. */
  Recording record(Call<?, ?> call, Flight flight, HeldLease held, StoredOutcome outcome) {
    Supplier<LeaseCheck> write = completing(call, held, outcome);
    long sentNanos = System.nanoTime();
    LeaseCheck check = write(call, COMPLETION, held, write);
    return check == null
        ? Recording.PENDING
        : landed(call, flight, held, outcome, check, sentNanos);
  }

  /** The write that stores an outcome. */
  Supplier<LeaseCheck> completing(Call<?, ?> call, HeldLease held, StoredOutcome outcome) {
    return () -> store.complete(held.lease, outcome, call.spec().retention());
  }

  /** What a completion came to that was sent at a time, and that the store has answered. */
  Recording recorded(
      Call<?, ?> call,
      Flight flight,
      HeldLease held,
      StoredOutcome outcome,
      LeaseCheck check,
      long sentNanos) {
    settled(call, COMPLETION, held, check);
    return landed(call, flight, held, outcome, check, sentNanos);
  }

  /** What a completion came to that the store has answered, and that is settled. */
  Recording landed(
      Call<?, ?> call,
      Flight flight,
      HeldLease held,
      StoredOutcome outcome,
      LeaseCheck check,
      long sentNanos) {
    if (check == LeaseCheck.LOST) {
      return Recording.UNKNOWN;
    }
    stepRuns.journals().close(call, held);
    if (held.lease.attempt() == 1 || !call.fingerprint().equals(Fingerprint.NONE)) {
      // Who takes over with nothing to compare does not know the record's fingerprint.
      Claim.Completed durable = new Claim.Completed(call.fingerprint(), outcome);
      flight.land(durable);
      if (call.spec().step() == null) {
        cache.keep(call, durable, sentNanos);
      }
    }
    return Recording.STORED;
  }

  /** Frees the key; {@link Recording#UNKNOWN} says that the lease was lost. */
  Recording free(Call<?, ?> call, HeldLease held) {
    Supplier<LeaseCheck> write = freeing(call, held);
    LeaseCheck check = write(call, "release", held, write);
    return check == null ? Recording.PENDING : freed(check);
  }

  /** The write that frees a key. */
  Supplier<LeaseCheck> freeing(Call<?, ?> call, HeldLease held) {
    if (Ending.isEarlierRunUnknown(call, held)) {
      return () -> keeper.expire(held);
    }
    RecordedSteps steps = held.steps;
    return () -> {
      if (steps != null) {
        stepRuns.journals().discard(steps); // first: a free key has no steps
      }
      return store.release(held.lease);
    };
  }

  static Recording freed(LeaseCheck check) {
    return check == LeaseCheck.LOST ? Recording.UNKNOWN : Recording.FREED;
  }

  /** Writes once, and leaves the rest to the background. Null says that the store failed. */
  private @Nullable LeaseCheck write(
      Call<?, ?> call, String what, HeldLease held, Supplier<LeaseCheck> write) {
    held.ending = true;
    LeaseCheck check;
    try {
      check = write.get();
    } catch (Throwable e) { // errors too: the body has run, and its caller is owed the result
      owed(call, what, held, write, e);
      return null;
    }
    settled(call, what, held, check);
    return check;
  }

  /** Leaves a write that failed to the background. */
  void owed(
      Call<?, ?> call, String what, HeldLease held, Supplier<LeaseCheck> write, Throwable failure) {
    log.warn(
        "The store failed to take the {} of record {} of operation '{}'; trying again in the"
            + " background",
        what,
        call.id(),
        call.spec().title(),
        failure);
    events.publish(Decision.STORE_FAILURE, call, failure);
    pending.add(what, held, what.equals(COMPLETION) ? closingSteps(call, held, write) : write);
  }

  private Supplier<LeaseCheck> closingSteps(
      Call<?, ?> call, HeldLease held, Supplier<LeaseCheck> completion) {
    return () -> {
      LeaseCheck check = completion.get();
      if (check == LeaseCheck.HELD) {
        stepRuns.journals().close(call, held);
      }
      return check;
    };
  }

  /** Notes that a write which ends a run was answered. */
  void settled(Call<?, ?> call, String what, HeldLease held, LeaseCheck check) {
    keeper.remove(held);
    if (check == LeaseCheck.LOST && !held.lost) {
      lost(call, what, held);
    }
  }

  private void lost(Call<?, ?> call, String what, HeldLease held) {
    held.lost = true;
    log.warn(
        "The {} of record {} of operation '{}' came too late: the lease is lost",
        what,
        call.id(),
        call.spec().title());
    events.publish(Decision.LEASE_LOST, call, null);
  }

  /** Leaves the key abandoned: at once if the store answers, else when the lease runs out. */
  void giveUp(Call<?, ?> call, HeldLease held, @Nullable Throwable cause) {
    held.ending = true;
    LeaseCheck check;
    try {
      check = keeper.expire(held);
    } catch (Throwable e) {
      check = leftToItsLease(call, e);
    }
    gaveUp(call, held, cause, check);
  }

  /** Notes that the store has not heard of a key that is given up, which its lease will tell. */
  LeaseCheck leftToItsLease(Call<?, ?> call, Throwable failure) {
    log.warn(
        "Record {} of operation '{}' is abandoned, but the store did not take note of it: its"
            + " lease has to run out first",
        call.id(),
        call.spec().title(),
        failure);
    events.publish(Decision.STORE_FAILURE, call, failure);
    return LeaseCheck.HELD;
  }

  /** Notes that a key was given up, or that it was somebody else's already. */
  void gaveUp(Call<?, ?> call, HeldLease held, @Nullable Throwable cause, LeaseCheck check) {
    if (check == LeaseCheck.HELD) {
      log.warn(
          "Operation '{}' leaves record {} (attempt {}) abandoned: its outcome is unknown ({})",
          call.spec().title(),
          call.id(),
          held.lease.attempt(),
          cause == null ? "no exception" : cause.getClass().getName());
      events.publish(Decision.ABANDONED, call, cause);
    } else if (!held.lost) {
      lost(call, "end", held);
    }
  }

  static HeldLease held(Call<?, ?> call, Lease lease, long claimedNanos) {
    OperationSpec<?> spec = call.spec();
    return new HeldLease(
        lease, spec.name(), spec.step(), spec.leaseFor(), call.startNanos(), claimedNanos);
  }
}
