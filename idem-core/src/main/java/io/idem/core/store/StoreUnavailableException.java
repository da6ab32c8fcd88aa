package io.idem.core.store;

import org.jspecify.annotations.Nullable;

/**
 * The store cannot say what it holds: it is down, unreachable, or failed in the middle.
 *
 * <p>What was asked of it may or may not have taken effect.
 */
public class StoreUnavailableException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried and what to look at; never a key or a payload
   * @param cause what the store's driver said, if anything
   */
  public StoreUnavailableException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
