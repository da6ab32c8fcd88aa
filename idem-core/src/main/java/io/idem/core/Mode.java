package io.idem.core;

/** Where the record of a key is written, and so what its guarantee rests on. */
public enum Mode {
  /**
   * In the same database transaction as the effect: both commit or neither does. A crash is a
   * rollback.
   */
  TRANSACTIONAL,
  /**
   * Apart from the effect: claimed under a lease before, completed after. A crash in between leaves
   * the outcome unknown, and the operation's {@link AbandonedPolicy} decides.
   */
  LEASED
}
