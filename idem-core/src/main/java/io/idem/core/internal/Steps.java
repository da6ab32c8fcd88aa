package io.idem.core.internal;

import io.idem.core.Disposition;
import io.idem.core.Step;
import io.idem.core.StepBody;
import org.jspecify.annotations.Nullable;

/** What becomes of the steps of one run. */
interface Steps {

  /**
   * Runs a step, or answers with what an earlier run recorded; {@code Attempt.step} documents it.
   */
  <T extends @Nullable Object, X extends Throwable> T run(
      AttemptImpl attempt, Step<T> step, StepBody<T, X> body) throws X;

  /**
   * Whether a leased run that ends with a failure leaves its key abandoned: as {@link
   * Ending#ofFailure} decides.
   */
  boolean leaveUnknown(OperationSpec<?> spec, Throwable failure);

  /**
   * Runs that have none.
   *
   * @param because why, and what to do about it: the end of a sentence that begins with the
   *     operation's name
   */
  static Steps refused(String because) {
    return refused(because, Abandoning.UNLESS_EXPLAINED);
  }

  private static Steps refused(String because, Abandoning abandoning) {
    return new Refused(because, abandoning);
  }

  private static Steps inBatch(Abandoning abandoning) {
    return refused(
        "runs as a batch, whose body is run once for many keys: carry each request by execute",
        abandoning);
  }

  private static Steps inAsync(Abandoning abandoning) {
    return refused(
        "runs asynchronously, and a step would hold up the thread: carry the request by execute,"
            + " on a thread that may block",
        abandoning);
  }

  /** What is thrown for a step that cannot be, before anything of it ran. */
  static IllegalStateException refusal(Step<?> step, String operation, String because) {
    return new IllegalStateException(
        "Step '" + step.name() + "' did not run, because operation '" + operation + "' " + because);
  }

  /** Of a transaction there is one outcome, and nothing beside it (invariant 8). */
  Steps IN_TRANSACTION =
      refused(
          "is transactional: what it does takes effect as one, or not at all. Make it leased"
              + " (Mode.LEASED, @Idempotent(mode = LEASED)) to call other systems step by step");

  /** A batch is one run of a body for many keys. */
  Steps IN_BATCH = inBatch(Abandoning.UNLESS_RELEASED);

  /** The same, of a batch that runs although its store is down. */
  Steps IN_UNPROTECTED_BATCH = inBatch(Abandoning.NEVER);

  /** A step waits for its store and its body. */
  Steps IN_ASYNC = inAsync(Abandoning.UNLESS_EXPLAINED);

  /** The same, of a run that goes on although its store is down. */
  Steps IN_UNPROTECTED_ASYNC = inAsync(Abandoning.NEVER);

  /** What finds out changes nothing. */
  Steps IN_RECOVERY =
      refused(
          "is being recovered: let the hook find out what happened, and the body run steps",
          Abandoning.ALWAYS);

  /** A step is recorded as a whole. */
  Steps IN_STEP = refused("is inside a step already: run steps one after another");

  /** Which failures of a run leave its key abandoned. */
  enum Abandoning {
    /** All. */
    ALWAYS,
    /** All that do not free it: whose failure it is nobody knows, so none is recorded. */
    UNLESS_RELEASED,
    /** Those that the operation neither records nor frees the key for. */
    UNLESS_EXPLAINED,
    /** None: there is no key. */
    NEVER
  }

  /** See {@link #refused}. */
  record Refused(String because, Abandoning abandoning) implements Steps {

    @Override
    public <T extends @Nullable Object, X extends Throwable> T run(
        AttemptImpl attempt, Step<T> step, StepBody<T, X> body) {
      throw refusal(step, attempt.operation(), because);
    }

    @Override
    public boolean leaveUnknown(OperationSpec<?> spec, Throwable failure) {
      return switch (abandoning) {
        case ALWAYS -> true;
        case UNLESS_RELEASED -> spec.dispositionOf(failure) != Disposition.RELEASE;
        case UNLESS_EXPLAINED -> spec.dispositionOf(failure) == Disposition.UNKNOWN;
        case NEVER -> false;
      };
    }
  }
}
