package io.idem.spring;

/** A call came without the key that its operation requires. Nothing ran. */
public final class MissingKeyException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message which operation misses what, and what to do about it
   */
  public MissingKeyException(String message) {
    super(message);
  }
}
