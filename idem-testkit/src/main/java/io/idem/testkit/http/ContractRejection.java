package io.idem.testkit.http;

/**
 * What a business rule refuses. The adapter's exception handling answers it with status 402 and the
 * message as text.
 */
public final class ContractRejection extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /**
   * A rejection.
   *
   * @param message what the client is told
   */
  public ContractRejection(String message) {
    super(message);
  }
}
