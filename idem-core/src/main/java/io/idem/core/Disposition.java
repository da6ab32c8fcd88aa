package io.idem.core;

/** What becomes of a key once its run has ended. */
public enum Disposition {
  /** The outcome is final: it is stored, and every repeat is given it. */
  RECORD,
  /**
   * The outcome is a final refusal: it is stored, and every repeat is given it. It differs from
   * {@link #RECORD} where the body's transaction can only be rolled back: a refusal is then stored
   * after the rollback, while a success that lost its effect is an error.
   */
  RECORD_REJECTION,
  /**
   * Nothing happened: the key is freed, and the next request runs. In transactional mode the
   * transaction is rolled back, which makes it true.
   */
  RELEASE,
  /**
   * Nobody knows whether it happened: the key is left abandoned, and the operation's {@link
   * AbandonedPolicy} decides about the next request. In transactional mode the transaction is
   * rolled back, so nothing happened and the key is free.
   */
  UNKNOWN
}
