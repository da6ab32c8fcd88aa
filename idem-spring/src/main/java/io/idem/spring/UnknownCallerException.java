package io.idem.spring;

/** A key belongs to the authenticated caller, and the request of the call has none. Nothing ran. */
public final class UnknownCallerException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message which operation misses its caller, and what to do about it
   */
  public UnknownCallerException(String message) {
    super(message);
  }
}
