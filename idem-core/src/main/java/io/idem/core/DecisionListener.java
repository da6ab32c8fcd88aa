package io.idem.core;

/**
 * Told of every decision, on the thread that made it. Thread-safe and quick; what it throws is
 * logged and goes no further.
 */
@FunctionalInterface
public interface DecisionListener {

  /**
   * Takes note of a decision.
   *
   * @param event the decision
   */
  void onDecision(DecisionEvent event);
}
