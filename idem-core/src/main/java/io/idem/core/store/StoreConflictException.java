package io.idem.core.store;

/**
 * The database rolled this transaction back, or demands it, because of a deadlock or a
 * serialization conflict.
 *
 * <p>Nothing of the transaction took effect; the whole of it may be run again.
 */
public class StoreConflictException extends StoreUnavailableException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried; never a key or a payload
   * @param cause what the driver said
   */
  public StoreConflictException(String message, Throwable cause) {
    super(message, cause);
  }
}
