package io.idem.core.store;

import org.jspecify.annotations.Nullable;

/**
 * The database does not commit what the work wrote: a constraint that is checked at the commit does
 * not hold, or the transaction can no longer be committed because the work went on after an error.
 *
 * <p>Nothing of the transaction took effect, and that is certain. It is the failure of the work,
 * told late, and no outage: the same work fails again.
 */
public class CommitRefusedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried; never a key or a payload
   * @param cause what the driver said, if it is known
   */
  public CommitRefusedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
