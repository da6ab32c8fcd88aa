package io.idem.core;

/** What is known of the record when a caller is given the result of its own run. */
public enum Recording {
  /**
   * The outcome is stored: every repeat is given it. In a transaction of the caller's, once that
   * has committed.
   */
  STORED,
  /** The run had no effect and the key is free: a repeat runs again. */
  FREED,
  /** The run's outcome is unknown and the key says so. */
  UNKNOWN,
  /**
   * The store failed to take what became of the run. It is tried again in the background; until
   * then the key stays held.
   */
  PENDING,
  /** The store was down and the operation fails open: nothing protects a repeat. */
  UNPROTECTED
}
