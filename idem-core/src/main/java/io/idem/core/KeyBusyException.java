package io.idem.core;

import java.time.Duration;

/** Another request under the same key is still running. Nothing ran for this caller. */
public final class KeyBusyException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  private final Duration retryAfter;

  /**
   * Creates the exception.
   *
   * @param retryAfter when to ask again
   */
  public KeyBusyException(Duration retryAfter) {
    super("Another request under this idempotency key is still running", null);
    this.retryAfter = retryAfter;
  }

  /**
   * When to ask again.
   *
   * @return a suggestion, counted from now
   */
  public Duration retryAfter() {
    return retryAfter;
  }
}
