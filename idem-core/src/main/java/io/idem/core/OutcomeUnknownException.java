package io.idem.core;

/**
 * A run under this key ended without an outcome that anybody knows. Nothing ran for this caller;
 * the effect may or may not have happened.
 */
public final class OutcomeUnknownException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  private final int attempt;

  /**
   * Creates the exception.
   *
   * @param attempt the number of the run
   */
  public OutcomeUnknownException(int attempt) {
    super(
        "The outcome of attempt "
            + attempt
            + " under this idempotency key is unknown: it has to be settled before the key can be"
            + " used again",
        null);
    this.attempt = attempt;
  }

  /**
   * The number of the run whose outcome is unknown.
   *
   * @return the number, starting at 1
   */
  public int attempt() {
    return attempt;
  }
}
