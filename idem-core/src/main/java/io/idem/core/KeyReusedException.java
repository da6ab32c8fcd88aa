package io.idem.core;

/** The key was used for a different request. Nothing ran, and the original record is intact. */
public final class KeyReusedException extends IdempotencyException {

  private static final long serialVersionUID = 1L;

  /** Creates the exception. */
  public KeyReusedException() {
    super(
        "This idempotency key belongs to a different request: use a new key for a new request,"
            + " and the unchanged request to repeat one",
        null);
  }
}
