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
   * Takes note of the end of a regular purge. Does nothing by default.
   *
   * @param event what was purged and how far purging is behind
   */
  default void onPurge(PurgeEvent event) {}
}
