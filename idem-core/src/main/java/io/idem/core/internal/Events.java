package io.idem.core.internal;

import io.idem.core.Attempt;
import io.idem.core.Decision;
import io.idem.core.DecisionEvent;
import io.idem.core.DecisionListener;
import io.idem.core.PurgeEvent;
import io.idem.core.StepEvent;
import io.idem.core.store.RecordId;
import java.time.Duration;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells listeners of decisions, and contains what they throw. */
final class Events {

  private static final Logger log = LoggerFactory.getLogger("io.idem.core");

  private final List<DecisionListener> listeners;

  Events(List<DecisionListener> listeners) {
    this.listeners = listeners;
  }

  void publish(Decision decision, Call<?, ?> call, @Nullable Throwable cause) {
    OperationSpec<?> spec = call.spec();
    publish(decision, spec.name(), spec.step(), call.id(), call.startNanos(), cause);
  }

  void publish(Decision decision, HeldLease held, @Nullable Throwable cause) {
    publish(decision, held.operation, held.step, held.lease.id(), held.startNanos, cause);
  }

  /** A decision about a step goes to listeners as one, and about an operation as another. */
  void publish(
      Decision decision,
      String operation,
      @Nullable String step,
      RecordId id,
      long startNanos,
      @Nullable Throwable cause) {
    if (listeners.isEmpty()) {
      return;
    }
    Duration elapsed = Duration.ofNanos(System.nanoTime() - startNanos);
    Consumer<DecisionListener> event;
    if (step == null) {
      DecisionEvent decided = new DecisionEvent(decision, operation, id, elapsed, cause);
      event = listener -> listener.onDecision(decided);
    } else {
      StepEvent decided = new StepEvent(decision, operation, step, id, elapsed, cause);
      event = listener -> listener.onStep(decided);
    }
    for (DecisionListener listener : listeners) {
      try {
        event.accept(listener);
      } catch (Throwable e) { // the decision stands, whatever a listener makes of it
        log.warn("A decision listener failed on {} of operation '{}'", decision, operation, e);
      }
    }
  }

  /** What runs inside an operation, on this thread. */
  @FunctionalInterface
  interface Inside<R extends @Nullable Object, X extends Throwable> {

    R run() throws X;
  }

  /** Runs a body, and tells listeners that its operation is entered and left. */
  <R extends @Nullable Object, X extends Throwable> R inside(Attempt attempt, Inside<R, X> body)
      throws X {
    tell(attempt, DecisionListener::onBodyStart, "start");
    try {
      return body.run();
    } finally {
      tell(attempt, DecisionListener::onBodyEnd, "end");
    }
  }

  private void tell(
      Attempt attempt, BiConsumer<DecisionListener, Attempt> event, String whatHappened) {
    for (DecisionListener listener : listeners) {
      try {
        event.accept(listener, attempt);
      } catch (Throwable e) { // the body runs, whatever a listener makes of it
        log.warn(
            "A decision listener failed on the {} of a body of operation '{}'",
            whatHappened,
            attempt.operation(),
            e);
      }
    }
  }

  void publish(PurgeEvent event) {
    for (DecisionListener listener : listeners) {
      try {
        listener.onPurge(event);
      } catch (Throwable e) { // a listener must not end all purging
        log.warn("A decision listener failed on a purge", e);
      }
    }
  }
}
