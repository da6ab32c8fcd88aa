package io.idem.core;

/** What the engine decided, as reported to listeners. */
public enum Decision {
  /** The body ran and its outcome is stored, or freed by the operation's own policy. */
  RAN,
  /** A stored outcome was given to a repeat. */
  REPLAYED,
  /** A repeat was turned away because another request under the key is still running. */
  BUSY,
  /** A different request used the key. */
  KEY_REUSED,
  /** A repeat was told that the outcome is unknown. */
  UNRESOLVED,
  /** The body threw, and the key was freed or the failure stored. */
  FAILED,
  /** A run ended without a known outcome and left its key abandoned. */
  ABANDONED,
  /** An abandoned key was taken over by a new run or a recovery. */
  TAKEN_OVER,
  /** A run found that it no longer owns its key. */
  LEASE_LOST,
  /** The store was down and the body ran without protection. */
  RAN_UNPROTECTED,
  /** The store failed; what became of the request is reported apart. */
  STORE_FAILURE
}
