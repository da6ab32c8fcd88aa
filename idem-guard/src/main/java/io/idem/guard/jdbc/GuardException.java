package io.idem.guard.jdbc;

/**
 * The database did not say what became of a guard's statement, or a table is not what the guard was
 * told.
 *
 * <p>The transaction must be rolled back: it is not known to be usable. The cause is what the
 * driver threw, if it threw.
 */
public class GuardException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried; never a key or a value
   * @param cause what the driver said
   */
  public GuardException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates the exception for what no driver has said.
   *
   * @param message what was tried and found; never a key or a value
   */
  GuardException(String message) {
    super(message);
  }
}
