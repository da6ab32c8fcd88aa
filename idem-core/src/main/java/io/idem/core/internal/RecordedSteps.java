package io.idem.core.internal;

import io.idem.core.AbandonedPolicy;
import io.idem.core.Disposition;
import io.idem.core.Execution;
import io.idem.core.KeyBusyException;
import io.idem.core.KeyReusedException;
import io.idem.core.OutcomeUnknownException;
import io.idem.core.ResultCodecException;
import io.idem.core.ResultNotStoredException;
import io.idem.core.Step;
import io.idem.core.StepBody;
import io.idem.core.store.Lease;
import io.idem.core.store.LeaseCheck;
import io.idem.core.store.OwnerToken;
import io.idem.core.store.StoreUnavailableException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one leased run.
 *
 * <ol>
 *   <li>A run that may have lost its key asks the store whether it has, and then begins no step.
 *   <li>The first step opens the {@linkplain StepJournals journal}.
 *   <li>A step is a leased run of its own, under an id that the journal and its name give. So two
 *       runs of the operation never run one at the same time, and whoever comes second is given its
 *       result.
 *   <li>What a step throws for reasons of its own stops the run: see {@link #answer}.
 * </ol>
 *
 * <p>Thread-safe.
 */
final class RecordedSteps implements Steps {

  /** How many steps a run may have. */
  static final int MOST = 1_000;

  /** How many of the exceptions that stop a run are known again. */
  private static final int MOST_STOPS = 16;

  private static final int DEEPEST_CAUSE = 32;

  private final StepRuns runs;
  private final Call<?, ?> call;
  private final HeldLease held;

  /** Made for the first step: most runs have none. */
  private volatile @Nullable Begun begun;

  private volatile @Nullable StepJournal journal;

  /** The journal as this run would have opened it, although the store did not answer. */
  private volatile @Nullable Lease unanswered;

  /** What there is from the first step on. */
  private static final class Begun {

    final Set<Thread> inside = ConcurrentHashMap.newKeySet();

    /** Held while the journal is opened, and never while a step runs. */
    final ReentrantLock lock = new ReentrantLock();

    /** What is known of each step of this run; guarded by the lock. */
    final Map<String, State> states = new HashMap<>();

    /** What steps have thrown for reasons of their own, last first; guarded by the lock. */
    final Deque<RuntimeException> stops = new ArrayDeque<>();

    /** Guarded by the lock. */
    @Nullable OwnerToken token;
  }

  private enum State {
    RUNNING,
    /** It has a result, and is not to be asked for again. */
    DONE,
    /** It has run and failed, and may be run again. */
    FAILED
  }

  RecordedSteps(StepRuns runs, Call<?, ?> call, HeldLease held) {
    this.runs = runs;
    this.call = call;
    this.held = held;
  }

  @Override
  public <T extends @Nullable Object, X extends Throwable> T run(
      AttemptImpl attempt, Step<T> step, StepBody<T, X> body) throws X {
    Begun begun = begun();
    requirePossible(begun, step);
    OperationSpec<T> spec = runs.spec(call.spec(), step);
    @Nullable State before = begin(begun, step);
    @Nullable State after = before;
    StepRun<T, X> run = new StepRun<>(body, attempt.outgoingKey(step.name()));
    begun.inside.add(Thread.currentThread());
    try {
      T result = result(begun, step, spec, run);
      after = State.DONE;
      return result;
    } catch (Throwable e) {
      if (run.hasRun && !(run.failure == e && run.isFreed(spec))) {
        after = State.FAILED;
      }
      throw e;
    } finally {
      begun.inside.remove(Thread.currentThread());
      end(begun, step, after);
    }
  }

  private Begun begun() {
    Begun known = begun;
    if (known == null) {
      synchronized (this) {
        known = begun;
        if (known == null) {
          known = new Begun();
          begun = known;
        }
      }
    }
    return known;
  }

  private <T extends @Nullable Object, X extends Throwable> T result(
      Begun begun, Step<T> step, OperationSpec<T> spec, StepRun<T, X> run) throws X {
    StepJournal opened;
    try {
      requireOwner(step);
      opened = journal(begun, step);
    } catch (KeyBusyException | OutcomeUnknownException e) {
      throw stop(begun, e);
    } catch (RuntimeException e) {
      if (spec.failsOpenNow()) {
        return runs.unrecorded(call, step.name(), run, e);
      }
      throw stop(begun, LeasedProtocol.unavailable(spec, e));
    }
    Execution<T> answer;
    try {
      answer = runs.carry(spec, call, opened, run);
    } catch (StoreUnavailableException | ResultCodecException e) {
      throw run.failure == e ? e : stop(begun, e);
    }
    return answer.fold(
        Execution.Ran::result,
        Execution.Replayed::result,
        busy -> {
          throw stop(begun, new KeyBusyException(busy.retryAfter(), step.name()));
        },
        reused -> {
          throw stop(begun, new KeyReusedException());
        },
        unresolved -> {
          // What has run here and is not known here was taken over by whoever owns the key now.
          throw stop(
              begun,
              run.hasRun
                  ? new KeyBusyException(call.spec().retryAfter(), step.name())
                  : new OutcomeUnknownException(held.lease.attempt()));
        },
        notStored -> {
          OutcomeUnknownException unknown = new OutcomeUnknownException(held.lease.attempt());
          unknown.addSuppressed(new ResultNotStoredException(notStored.reason()));
          throw stop(begun, unknown);
        });
  }

  private void requirePossible(Begun begun, Step<?> step) {
    if (call.spec().abandoned() instanceof AbandonedPolicy.Refuse) {
      throw refusal(
          step,
          "refuses abandoned keys, so that nothing would ever resume behind it: declare"
              + " onAbandoned(new AbandonedPolicy.Retry<>()), @Idempotent(onAbandoned = \"RETRY\")"
              + " or a recovery hook");
    }
    if (begun.inside.contains(Thread.currentThread())) {
      throw refusal(step, "is inside a step already: run steps one after another");
    }
    if (held.ending) {
      throw refusal(step, "has ended its run: let its body wait for steps on other threads");
    }
  }

  private IllegalStateException refusal(Step<?> step, String because) {
    return Steps.refusal(step, call.spec().name(), because);
  }

  /** What was known of the step before: null or {@link State#FAILED}. */
  private @Nullable State begin(Begun begun, Step<?> step) {
    begun.lock.lock();
    try {
      State before = begun.states.get(step.name());
      if (before != null && before != State.FAILED) {
        throw refusal(
            step,
            "has run a step of this name in this run: put what tells the two apart into their"
                + " names, such as the number of the line");
      }
      if (before == null && begun.states.size() >= MOST) {
        throw refusal(step, "has " + MOST + " steps in this run: let it do less, under more keys");
      }
      begun.states.put(step.name(), State.RUNNING);
      return before;
    } finally {
      begun.lock.unlock();
    }
  }

  private void end(Begun begun, Step<?> step, @Nullable State after) {
    begun.lock.lock();
    try {
      if (after == null) {
        begun.states.remove(step.name());
      } else {
        begun.states.put(step.name(), after);
      }
    } finally {
      begun.lock.unlock();
    }
  }

  /** What this node knows is enough as long as the lease cannot have run out. */
  private void requireOwner(Step<?> step) {
    if (!held.isFresh(System.nanoTime())
        && (held.lost || runs.keeper().confirm(held) == LeaseCheck.LOST)) {
      runs.journals().lost(call, held);
      throw new KeyBusyException(call.spec().retryAfter(), step.name());
    }
    StepJournal known = journal;
    if (known != null
        && !known.opened()
        && System.nanoTime() - known.lookedNanos() >= Durations.nanos(call.spec().retention())) {
      throw new OutcomeUnknownException(held.lease.attempt()); // some may expire from now on
    }
  }

  private StepJournal journal(Begun begun, Step<?> step) {
    StepJournal known = journal;
    if (known != null) {
      return known;
    }
    begun.lock.lock();
    try {
      known = journal;
      if (known == null) {
        if (begun.token == null) {
          begun.token = runs.newToken();
        }
        try {
          known = runs.journals().open(call, held, begun.token, step.name());
        } catch (KeyBusyException | OutcomeUnknownException e) {
          throw e;
        } catch (RuntimeException e) {
          unanswered = runs.journalOf(call, begun.token);
          throw e;
        }
        journal = known;
      }
      return known;
    } finally {
      begun.lock.unlock();
    }
  }

  /** The journal that is or may be open, as far as this run knows. */
  @Nullable Lease journalLease() {
    StepJournal known = journal;
    return known != null ? known.lease() : unanswered;
  }

  /**
   * Whether the key must not become free although this run had no effect: an earlier run or a step
   * of this one has.
   */
  boolean keepKey() {
    StepJournal known = journal;
    if (known != null && !known.opened()) {
      return true;
    }
    Begun begun = this.begun;
    if (begun == null) {
      return false;
    }
    begun.lock.lock();
    try {
      return !begun.states.isEmpty(); // without a journal too, where the operation fails open
    } finally {
      begun.lock.unlock();
    }
  }

  private static <E extends RuntimeException> E stop(Begun begun, E stop) {
    begun.lock.lock();
    try {
      begun.stops.addFirst(stop);
      if (begun.stops.size() > MOST_STOPS) {
        begun.stops.removeLast();
      }
    } finally {
      begun.lock.unlock();
    }
    return stop;
  }

  @Override
  public boolean leaveUnknown(OperationSpec<?> spec, Throwable failure) {
    return stopIn(failure) != null || spec.dispositionOf(failure) == Disposition.UNKNOWN;
  }

  /**
   * What a step has thrown for reasons of its own, and the body has let pass or wrapped. It says
   * nothing of what the body does, so the operation's rules for failures are not asked: the key is
   * left abandoned, and the next request resumes.
   */
  @Nullable RuntimeException stopIn(Throwable failure) {
    Begun begun = this.begun;
    if (begun == null) {
      return null;
    }
    begun.lock.lock();
    try {
      if (begun.stops.isEmpty()) {
        return null;
      }
      Throwable each = failure;
      for (int depth = 0; each != null && depth < DEEPEST_CAUSE; depth++) {
        for (RuntimeException stop : begun.stops) {
          if (stop == each) {
            return stop;
          }
        }
        each = each.getCause();
      }
      return null;
    } finally {
      begun.lock.unlock();
    }
  }

  /**
   * The answer to the caller of a run that was stopped, or null if it is thrown what stopped it.
   */
  static <T extends @Nullable Object> @Nullable Execution<T> answer(
      Call<T, ?> call, Answers answers, HeldLease held, RuntimeException stop) {
    if (stop instanceof KeyBusyException) {
      return answers.busy(call);
    } else if (stop instanceof KeyReusedException) {
      return answers.keyReused(call);
    } else if (stop instanceof OutcomeUnknownException) {
      return answers.unresolved(call, held.lease.attempt());
    }
    return null;
  }

  /** One call of a step's body, and what became of it. */
  static final class StepRun<T extends @Nullable Object, X extends Throwable> {

    private final StepBody<T, X> body;
    private final String outgoingKey;
    private volatile int number = 1;
    volatile boolean hasRun;
    volatile @Nullable Throwable failure;

    StepRun(StepBody<T, X> body, String outgoingKey) {
      this.body = body;
      this.outgoingKey = outgoingKey;
    }

    T run(int attempt) throws X {
      number = attempt;
      hasRun = true;
      try {
        return body.run(outgoingKey);
      } catch (Throwable e) {
        failure = e;
        throw e;
      }
    }

    /** Whether nothing has happened, in this or in any earlier run of the step. */
    boolean isFreed(OperationSpec<?> spec) {
      Throwable thrown = failure;
      return thrown != null && number == 1 && spec.dispositionOf(thrown) == Disposition.RELEASE;
    }
  }
}
