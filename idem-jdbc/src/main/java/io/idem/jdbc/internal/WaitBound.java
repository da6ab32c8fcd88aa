package io.idem.jdbc.internal;

/** Who bounds the wait of a claim; {@code io.idem.jdbc.LockWait} says what each means. */
public enum WaitBound {
  /** The client, which cancels the claim's statement. */
  CLIENT,
  /** The claim's statement. */
  CLAIM,
  /** The connection. */
  SESSION
}
