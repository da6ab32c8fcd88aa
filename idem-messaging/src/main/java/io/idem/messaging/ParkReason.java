package io.idem.messaging;

/** Why a message is not to be delivered again, but kept for a person to look at. */
public enum ParkReason {
  /** It has no key where one should be. */
  NO_KEY,
  /** What it has for a key cannot be one, or what it is compared by cannot be read. */
  UNUSABLE_KEY,
  /** Another message has the same key: one of the two would be lost. */
  KEY_REUSED,
  /** An earlier run of it ended without an outcome that anybody knows, and must not be repeated. */
  OUTCOME_UNKNOWN,
  /** An earlier run of it was rejected for good, or its recorded outcome cannot be read. */
  REJECTED
}
