package io.idem.core;

/**
 * Told of every decision and purge, on the thread that made it. Thread-safe and quick; what it
 * throws is logged and goes no further.
 */
@FunctionalInterface
public interface DecisionListener {

  /**
   * Takes note of a decision.
   *
   * @param event the decision
   */
  void onDecision(DecisionEvent event);

  /**
   * Takes note of a decision about a step of an operation. Does nothing by default.
   *
   * @param event the decision
   */
  default void onStep(StepEvent event) {}

  /**
   * Takes note of the end of a regular purge. Does nothing by default.
   *
   * @param event what was purged and how far purging is behind
   */
  default void onPurge(PurgeEvent event) {}

  /**
   * Takes note that a body, one of its steps, or a recovery hook starts on this thread. Does
   * nothing by default.
   *
   * <p>Between this and {@link #onBodyEnd}, on the same thread, everything happens inside the
   * operation: what a transaction writes late is flushed before the end. Steps, and bodies of other
   * operations, may start and end in between. An {@linkplain AsyncBody asynchronous} body ends,
   * here, when it has returned its stage, and a body of a batch is noted once, by the run of its
   * first request.
   *
   * @param attempt the run
   */
  default void onBodyStart(Attempt attempt) {}

  /**
   * Takes note that the body that started last on this thread has returned or thrown. Called once
   * for each start, whatever became of the body. Does nothing by default.
   *
   * @param attempt the run
   */
  default void onBodyEnd(Attempt attempt) {}
}
