package io.idem.core.store;

/** Whether a conditional write found its caller still the owner. */
public enum LeaseCheck {
  /** The caller owned the key and the write took effect. */
  HELD,
  /** Somebody else owns the key, or nobody: the write changed nothing. */
  LOST
}
