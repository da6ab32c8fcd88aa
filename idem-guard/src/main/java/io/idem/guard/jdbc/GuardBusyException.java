package io.idem.guard.jdbc;

/**
 * Another transaction held a row for longer than the database lets a statement wait.
 *
 * <p>The statement had no effect. The transaction must be rolled back, and may be run again. Guards
 * with a wait bound of their own answer {@code Busy} instead.
 */
public class GuardBusyException extends GuardException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried; never a key or a value
   * @param cause what the driver said
   */
  public GuardBusyException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates the exception for what a guard was answered.
   *
   * @param message what was tried; never a key or a value
   */
  GuardBusyException(String message) {
    super(message);
  }
}
