package io.idem.core;

/**
 * A result could not be encoded or a stored one not decoded.
 *
 * <p>Thrown while encoding, the transaction was rolled back and nothing happened. Thrown while
 * decoding, the operation was done before and its record is intact.
 */
public final class ResultCodecException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what was tried, without the payload
   * @param cause what the codec said
   */
  public ResultCodecException(String message, Throwable cause) {
    super(message, cause);
  }
}
