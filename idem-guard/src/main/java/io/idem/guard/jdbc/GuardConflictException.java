package io.idem.guard.jdbc;

/**
 * The database rolled this transaction back, or demands it: a deadlock, or a serialization
 * conflict.
 *
 * <p>Nothing of the transaction takes effect. The whole of it may be run again, from its beginning.
 */
public class GuardConflictException extends GuardException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried; never a key or a value
   * @param cause what the driver said
   */
  public GuardConflictException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates the exception for what no driver has said.
   *
   * @param message what was tried and found; never a key or a value
   */
  GuardConflictException(String message) {
    super(message);
  }
}
