package io.idem.core.internal;

import io.idem.core.Decision;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.FailureMapping;
import io.idem.core.Recording;
import io.idem.core.ResultCodecException;
import io.idem.core.store.Claim;
import io.idem.core.store.CommitRefusedException;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.StoreConflictException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.core.store.StoredOutcome;
import io.idem.core.store.TransactionScope;
import io.idem.core.store.TransactionalStore;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transactional mode.
 *
 * <ol>
 *   <li>Begin a transaction, or join the caller's.
 *   <li>Claim the key in it. The database makes a rival's transaction wait, within the bound; after
 *       its commit the outcome is replayed, after its rollback the waiter owns the key.
 *   <li>Run the body. Its failure rolls everything back, the claim included.
 *   <li>Write the outcome and commit: record and effect become visible together.
 *   <li>A rejection that is to be recorded may have been rolled back with everything else. If the
 *       transaction was Idem's own, the rejection is then recorded in a second one, after the first
 *       has ended; whoever took the key in between has the answer. In a joined transaction nothing
 *       is recorded: the rejection is deterministic, and a repeat meets it again.
 * </ol>
 */
final class TransactionalProtocol implements Protocol {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");
  private static final int CONFLICT_TRIES = 5;

  private final Answers answers;
  private final CachedAnswers cache;
  private final Events events;
  private final String namespace;

  TransactionalProtocol(Answers answers, CachedAnswers cache, Events events, String namespace) {
    this.answers = answers;
    this.cache = cache;
    this.events = events;
    this.namespace = namespace;
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> Execution<T> lead(
      Call<T, X> call, Flight flight) throws X {
    TransactionalStore store =
        Objects.requireNonNull(call.spec().transactionalStore(), "transactionalStore");
    for (int tries = 1; ; tries++) {
      Run<T, X> run = new Run<>(call, flight);
      try {
        Execution<T> answer = store.inTransaction(run);
        return afterCommit(call, flight, store, run, answer);
      } catch (Rejected rejected) {
        if (recordApart(call, flight, store, rejected.outcome) instanceof Claim.Completed others) {
          return answers.fromStored(call, others);
        }
        events.publish(Decision.FAILED, call, rejected.failure);
        throw Sneaky.sneaky(rejected.failure);
      } catch (CommitRefusedException e) {
        // Of the body that ran, whatever it wrote: told late, it is its failure all the same.
        StoredOutcome rejection = run.bodyRan && !run.joined ? rejection(call, e) : null;
        if (rejection != null
            && recordApart(call, flight, store, rejection) instanceof Claim.Completed others) {
          return answers.fromStored(call, others);
        }
        if (run.bodyRan) {
          events.publish(Decision.FAILED, call, e);
        }
        throw e;
      } catch (StoreConflictException e) {
        // Before the body ran nothing has happened yet, and the whole of it can be tried again.
        if (run.bodyRan || run.joined || tries >= CONFLICT_TRIES) {
          events.publish(Decision.STORE_FAILURE, call, e);
          throw e;
        }
      } catch (StoreUnavailableException e) {
        events.publish(Decision.STORE_FAILURE, call, e);
        throw e;
      } catch (Throwable failure) {
        if (run.bodyRan) {
          events.publish(Decision.FAILED, call, failure);
        }
        throw failure;
      }
    }
  }

  private <T extends @Nullable Object, X extends Throwable> Execution<T> afterCommit(
      Call<T, X> call,
      Flight flight,
      TransactionalStore store,
      Run<T, X> run,
      Execution<T> answer) {
    Execution<T> truth = answer;
    if (run.rolledBackRejection != null) {
      Claim claim = recordApart(call, flight, store, run.rolledBackRejection);
      if (claim instanceof Claim.Completed others) {
        return answers.fromStored(call, others);
      }
      if (!(claim instanceof Claim.Acquired) && answer instanceof Execution.Ran<T> ran) {
        truth = new Execution.Ran<>(ran.result(), Recording.FREED);
      }
    } else if (run.durable != null) {
      flight.land(run.durable);
      if (run.bodyRan) {
        cache.keep(call, run.durable, run.sentNanos);
      }
    }
    if (truth instanceof Execution.Ran) {
      events.publish(Decision.RAN, call, null);
    }
    return truth;
  }

  /**
   * Records a rejection whose own transaction has been rolled back.
   *
   * @return {@link Claim.Acquired} if it is recorded, {@link Claim.Completed} if somebody else took
   *     the key in between, anything else if it is not recorded
   */
  private @Nullable Claim recordApart(
      Call<?, ?> call, Flight flight, TransactionalStore store, StoredOutcome outcome) {
    Claim claim;
    long sentNanos = System.nanoTime();
    try {
      claim = claimApart(call, store, outcome);
    } catch (Throwable e) { // errors too: the caller is owed the rejection
      log.warn(
          "A rejection of operation '{}' was not recorded; its key is free, and a repeat runs again",
          call.spec().name(),
          e);
      events.publish(Decision.STORE_FAILURE, call, e);
      return null;
    }
    if (claim instanceof Claim.Acquired) {
      Claim.Completed durable = new Claim.Completed(call.fingerprint(), outcome);
      flight.land(durable);
      cache.keep(call, durable, sentNanos);
    } else if (claim instanceof Claim.Completed others) {
      flight.land(others);
    }
    return claim;
  }

  /** A victim, or a wait that was cancelled, begins anew with what is left of the wait. */
  private static Claim claimApart(
      Call<?, ?> call, TransactionalStore store, StoredOutcome outcome) {
    for (int tries = 1; ; tries++) {
      try {
        return store.inTransaction(
            scope ->
                scope.claimCompleted(
                    call.claim(), outcome, Duration.ofNanos(call.remainingNanos())));
      } catch (StoreConflictException e) {
        if (tries >= CONFLICT_TRIES) {
          throw e;
        }
      }
    }
  }

  /** A failure in its stored form, or null if it is not one that is recorded or can be. */
  private @Nullable StoredOutcome rejection(Call<?, ?> call, Throwable failure) {
    FailureMapping<?> mapping = call.spec().mappingFor(failure);
    if (mapping == null) {
      return null;
    }
    try {
      return answers.encode(call.spec(), mapping, failure);
    } catch (ResultCodecException e) {
      log.error(
          "A rejection of operation '{}' cannot be encoded, so it is not recorded; its key is free,"
              + " and a repeat runs again",
          call.spec().name(),
          e);
      failure.addSuppressed(e);
      return null;
    }
  }

  /** One try: what happens between begin and commit. */
  private final class Run<T extends @Nullable Object, X extends Throwable>
      implements TransactionalStore.TransactionWork<Execution<T>, X> {

    private final Call<T, X> call;
    private final Flight flight;
    boolean joined;
    boolean bodyRan;
    long sentNanos;
    Claim.@Nullable Completed durable;
    @Nullable StoredOutcome rolledBackRejection;

    Run(Call<T, X> call, Flight flight) {
      this.call = call;
      this.flight = flight;
    }

    @Override
    public Execution<T> run(TransactionScope scope) throws X {
      joined = scope.isJoined();
      Duration wait = Duration.ofNanos(call.remainingNanos());
      sentNanos = System.nanoTime(); // without an answer, the claim is the completion
      Claim claim =
          call.spec().codec().storesResult()
              ? scope.claim(call.claim(), wait)
              : scope.claimCompleted(call.claim(), StoredOutcome.done(), wait);
      if (claim instanceof Claim.Acquired acquired) {
        flight.ownedBy(call.fingerprint());
        return own(scope, acquired.lease());
      } else if (claim instanceof Claim.Completed completed) {
        if (!joined) {
          // In a joined transaction the record may be the caller's own, and not committed yet.
          durable = completed;
        }
        return answers.fromStored(call, completed);
      } else if (claim instanceof Claim.Running running) {
        flight.ownedBy(running.fingerprint());
        return running.fingerprint().matches(call.fingerprint())
            ? answers.busy(call)
            : answers.keyReused(call);
      } else {
        // Left behind by a leased run of the same operation, before its mode was changed, or by a
        // transaction that was committed in the middle of the body.
        Claim.Abandoned abandoned = (Claim.Abandoned) claim;
        flight.ownedBy(abandoned.fingerprint());
        return abandoned.fingerprint().matches(call.fingerprint())
            ? answers.unresolved(call, abandoned.attempt())
            : answers.keyReused(call);
      }
    }

    private T runAndFlush(TransactionScope scope, AttemptImpl attempt) throws X {
      T result = call.body().run(attempt);
      if (!scope.isRollbackOnly()) {
        scope.flush();
      }
      return result;
    }

    private Execution<T> own(TransactionScope scope, Lease lease) throws X {
      bodyRan = true;
      T result;
      try {
        AttemptImpl attempt =
            new AttemptImpl(
                namespace, call, lease.attempt(), () -> true, scope, Steps.IN_TRANSACTION);
        result = events.inside(attempt, () -> runAndFlush(scope, attempt));
      } catch (Throwable failure) {
        StoredOutcome rejection = joined ? null : rejection(call, failure);
        if (rejection != null) {
          throw new Rejected(failure, rejection);
        }
        throw failure;
      }
      Disposition disposition = Answers.dispositionOf(call, result);
      if (disposition == Disposition.RELEASE || disposition == Disposition.UNKNOWN) {
        scope.setRollbackOnly();
        return new Execution.Ran<>(result, Recording.FREED);
      }
      StoredOutcome outcome = answers.encode(call.spec(), result);
      if (scope.isRollbackOnly()) {
        if (disposition == Disposition.RECORD) {
          throw new IllegalStateException(
              "Operation '"
                  + call.spec().name()
                  + "' returned a success, but its transaction can only be rolled back: throw"
                  + " instead, or let onResult(…) classify the result as RELEASE or"
                  + " RECORD_REJECTION");
        }
        if (joined) {
          return new Execution.Ran<>(result, Recording.FREED);
        }
        scope.setRollbackOnly();
        rolledBackRejection = outcome;
        return new Execution.Ran<>(result, Recording.STORED);
      }
      if (outcome.kind() != StoredOutcome.Kind.DONE
          && scope.completeLast(lease, outcome, call.spec().retention()) == LeaseCheck.LOST) {
        throw new StoreUnavailableException(
            "The record of operation '"
                + call.spec().name()
                + "' vanished inside its own transaction: was it rolled back to an earlier"
                + " savepoint? Everything is rolled back",
            null);
      }
      if (!joined) {
        durable = new Claim.Completed(call.fingerprint(), outcome);
      }
      return new Execution.Ran<>(result, Recording.STORED);
    }
  }

  /** Carries a failure that is to be recorded past the rollback. */
  private static final class Rejected extends RuntimeException {

    private static final long serialVersionUID = 1L;

    final transient Throwable failure;
    final transient StoredOutcome outcome;

    Rejected(Throwable failure, StoredOutcome outcome) {
      super(null, failure, false, false);
      this.failure = failure;
      this.outcome = outcome;
    }
  }
}
