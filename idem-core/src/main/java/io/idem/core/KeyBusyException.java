package io.idem.core;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Another request under the same key is still running. Nothing ran for this caller. */
public final class KeyBusyException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;
  private final @Nullable String step;

  /**
   * Creates the exception.
   *
   * @param retryAfter when to ask again
   */
  public KeyBusyException(Duration retryAfter) {
    super("Another request under this idempotency key is still running", null);
    this.retryAfter = retryAfter;
    this.step = null;
  }

  /**
   * Creates the exception that stops a run before a step.
   *
   * @param retryAfter when to ask again
   * @param step the step
   */
  public KeyBusyException(Duration retryAfter, String step) {
    super(
        "Another run under this idempotency key is in the middle of step '"
            + step
            + "' or has taken over: the operation goes on with the next request",
        null);
    this.retryAfter = retryAfter;
    this.step = step;
  }

  /**
   * When to ask again.
   *
   * @return a suggestion, counted from now
   */
  public Duration retryAfter() {
    return retryAfter;
  }

  /**
   * The step of its own operation that a run was stopped before. The next request under the
   * operation's key goes on.
   *
   * @return the name of the step, or null if no step but a whole key is busy
   */
  public @Nullable String step() {
    return step;
  }
}
