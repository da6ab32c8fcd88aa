package io.idem.audit;

import io.idem.core.Attempt;
import io.idem.core.DecisionEvent;
import io.idem.core.DecisionListener;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * Knows whether a thread is inside the body of an operation. Give it to the engine as a listener,
 * and to the {@link StatementAudit}.
 *
 * <p>A body's work on other threads is inside where it is {@linkplain #carrying(Runnable) carried}
 * there: {@code operations::carrying} is a {@code TaskDecorator} of Spring, and a hook for
 * Reactor's schedulers. Thread-safe.
 */
public final class OperationTracker implements DecisionListener {

  /** Of this tracker alone, and removed when a thread is outside again. */
  private final ThreadLocal<@Nullable Integer> depth = new ThreadLocal<>();

  /** Creates a tracker that has seen nothing. */
  public OperationTracker() {}

  /**
   * Whether the calling thread is inside a body.
   *
   * @return true between the start and the end of a body, or of what a body handed to this thread
   */
  public boolean isInside() {
    return depth.get() != null;
  }

  @Override
  public void onDecision(DecisionEvent event) {}

  @Override
  public void onBodyStart(Attempt attempt) {
    enter();
  }

  @Override
  public void onBodyEnd(Attempt attempt) {
    leave();
  }

  /**
   * A task that is inside wherever it runs, if the calling thread is.
   *
   * @param task the task
   * @return the task, or one that carries the operation along
   */
  public Runnable carrying(Runnable task) {
    if (!isInside()) {
      return task;
    }
    return () -> {
      enter();
      try {
        task.run();
      } finally {
        leave();
      }
    };
  }

  /**
   * An executor whose tasks are inside where their senders are.
   *
   * @param executor runs the tasks
   * @return an executor that carries operations along
   */
  public Executor carrying(Executor executor) {
    return task -> executor.execute(carrying(task));
  }

  private void enter() {
    Integer outer = depth.get();
    depth.set(outer == null ? 1 : outer + 1);
  }

  private void leave() {
    Integer inner = depth.get();
    if (inner == null || inner == 1) {
      depth.remove();
    } else {
      depth.set(inner - 1);
    }
  }
}
