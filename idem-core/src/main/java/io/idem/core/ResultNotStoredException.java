package io.idem.core;

/** An earlier run under this key succeeded, but its result could not be kept. Nothing ran now. */
public final class ResultNotStoredException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param reason why the result was not kept
   */
  public ResultNotStoredException(String reason) {
    super("The operation was done, but its result was not kept: " + reason, null);
  }
}
