package io.idem.core.store;

import org.jspecify.annotations.Nullable;

/**
 * The call was held back before it reached the store, for example by a circuit breaker: it took no
 * effect, for certain.
 */
public class StoreNotAskedException extends StoreUnavailableException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what held the call back; never a key or a payload
   * @param cause the reason, if there is an exception that tells it
   */
  public StoreNotAskedException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
