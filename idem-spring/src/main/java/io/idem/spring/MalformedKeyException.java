package io.idem.spring;

/** The header that holds the key of a call cannot be read as one key. Nothing ran. */
public final class MalformedKeyException extends IllegalArgumentException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the exception.
   *
   * @param message what is wrong and how to put it right, without the value that was sent
   */
  public MalformedKeyException(String message) {
    super(message);
  }
}
