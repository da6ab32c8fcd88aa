package io.idem.core;

import org.jspecify.annotations.Nullable;

/**
 * One run of an operation's body.
 *
 * <p>Valid while the body runs. Thread-safe, so that a body may hand it to threads of its own.
 */
public interface Attempt {

  /**
   * The operation's name.
   *
   * @return the name
   */
  String operation();

  /**
   * Where the record of this run is written.
   *
   * @return the operation's mode
   */
  Mode mode();

  /**
   * How often the key was claimed since its record was created.
   *
   * <p>It is 1 for a first run and grows each time an abandoned key is taken over, so it serves as
   * a fencing number to a system that remembers the greatest it has seen. A key that is freed
   * starts again at 1. In transactional mode it is always 1, because a failed run leaves no trace.
   *
   * @return the number, starting at 1
   */
  int number();

  /**
   * A key for a call to another system, the same on every run of this operation under this key.
   *
   * @param step what distinguishes this call from the others of the body
   * @return a UUID in its canonical form, derived from the scoped key and the step
   * @throws IllegalArgumentException if the step is not valid Unicode
   */
  String outgoingKey(String step);

  /**
   * Runs a step once for this operation and key, and records that it is finished: a re-run after a
   * crash is given its result instead of running it again, and resumes behind it.
   *
   * <p>Of leased operations whose abandoned keys are run again or recovered ({@link
   * AbandonedPolicy.Retry}, {@link AbandonedPolicy.Recover}), in bodies that run on a thread that
   * may block: neither transactional, nor asynchronous, nor in a batch. At most 1000 steps a run,
   * each under a name of its own; steps do not contain steps. A body may run them on threads of its
   * own.
   *
   * <ul>
   *   <li>The result is recorded before it is returned. If the store fails to take it, the body is
   *       given it all the same, and the write is tried again in the background.
   *   <li>What the body of the step throws is thrown. Unless the step says otherwise nobody knows
   *       then how it ended; called again, in this run or a later one, it runs again with the same
   *       outgoing key.
   *   <li>A step that another run of the operation is in the middle of is waited for, at most as
   *       long as a lease holds or as the operation waits for its key, whichever is longer.
   *   <li>A run that has lost its key does not begin another step.
   *   <li>When the operation has its outcome, its steps are forgotten. Until then they are kept; a
   *       re-run that comes later than the operation's retention, counted from the beginning of its
   *       first step, is refused.
   * </ul>
   *
   * <p>Let what this method throws pass: the engine then answers the caller of the operation as
   * said below, and leaves the key abandoned, so that the next request resumes.
   *
   * @param step what is run
   * @param body does it; not called if it was finished before
   * @param <T> the type of its result
   * @param <X> what the body throws
   * @return the result of this run of the step, or of an earlier one
   * @throws X what the body threw, or a recorded failure of an earlier run
   * @throws KeyBusyException if another run is in the middle of the step, or has taken over the
   *     key; the operation's caller is told {@link Execution.Busy}
   * @throws KeyReusedException if the step was recorded for a different request; the caller is told
   *     {@link Execution.KeyReused}
   * @throws OutcomeUnknownException if it is not known what became of the step, and it is not to be
   *     run again; if its result was not kept, which a suppressed {@link ResultNotStoredException}
   *     says; or if it is too late to resume. The caller is told {@link Execution.Unresolved}
   * @throws ResultCodecException if the recorded result cannot be decoded
   * @throws io.idem.core.store.StoreUnavailableException if the store cannot say whether the step
   *     was finished; its body did not run
   * @throws IllegalArgumentException if there is no codec for the result
   * @throws IllegalStateException if the operation cannot have steps, the run has ended, the name
   *     was used in this run before, or the call is inside a step; the message names the fix
   */
  <T extends @Nullable Object, X extends Throwable> T step(Step<T> step, StepBody<T, X> body)
      throws X;

  /**
   * Runs a {@linkplain #step(Step, StepBody) step} whose result is stored by the engine's codecs.
   *
   * @param name what tells it from the other steps of its operation; 1 to {@value
   *     Step#MAX_NAME_LENGTH} characters
   * @param resultType the type of its result
   * @param body does it; not called if it was finished before
   * @param <T> the type of its result
   * @param <X> what the body throws
   * @return the result of this run of the step, or of an earlier one
   * @throws X what the body threw
   */
  default <T, X extends Throwable> T step(String name, Class<T> resultType, StepBody<T, X> body)
      throws X {
    return step(Step.of(name, resultType), body);
  }

  /**
   * Runs a {@linkplain #step(Step, StepBody) step} without a result.
   *
   * @param name what tells it from the other steps of its operation; 1 to {@value
   *     Step#MAX_NAME_LENGTH} characters
   * @param body does it; not called if it was finished before
   * @param <X> what the body throws
   * @throws X what the body threw
   */
  default <X extends Throwable> void step(String name, StepAction<X> body) throws X {
    step(Step.of(name), Step.bodyOf(body));
  }

  /**
   * Whether this run still owns its key, as far as this node knows.
   *
   * <p>A body that takes long can ask before each effect that cannot be undone. True is no proof:
   * the lease may have run out a moment ago.
   *
   * @return false once the store has said that somebody else owns the key
   */
  boolean isOwner();

  /**
   * Whether nobody would know what became of this run if its body ended with a failure, so that its
   * key would be left abandoned and the operation's {@link AbandonedPolicy} decide about the next
   * request.
   *
   * @param failure what the body is about to throw
   * @return true in leased mode, unless the operation records such a failure or releases the key
   *     for it; false in transactional mode, and of a run without protection, which holds no key
   */
  boolean leavesUnknown(Throwable failure);

  /**
   * Whether the run is part of a transaction that was there before and is committed by somebody
   * else, so that what it returned is durable only then.
   *
   * @return true in a joined transaction; false in leased mode
   */
  boolean isJoined();

  /**
   * The transaction's resource, such as a {@code java.sql.Connection}, in transactional mode.
   *
   * @param type the type wanted
   * @param <C> the type wanted
   * @return the resource; the body neither closes nor commits it
   * @throws IllegalStateException in leased mode
   * @throws IllegalArgumentException if the transaction has no such resource
   */
  <C> C unwrap(Class<C> type);
}
