package io.idem.core.store;

import java.time.Duration;

/**
 * A store's answer to a claim.
 *
 * <p>Every answer but {@link Acquired} carries the stored fingerprint, so that misuse is told from
 * a repeat in any state.
 */
public sealed interface Claim {

  /**
   * The caller owns the key now.
   *
   * @param lease the right to run
   */
  record Acquired(Lease lease) implements Claim {}

  /**
   * Somebody else owns the key.
   *
   * @param fingerprint the owner's fingerprint; {@link Fingerprint#NONE} where it cannot be seen
   *     yet
   * @param leaseLeft how long the owner's lease still holds by the store's clock; zero if unknown
   */
  record Running(Fingerprint fingerprint, Duration leaseLeft) implements Claim {}

  /**
   * The last owner's lease ran out without an outcome: nobody knows what happened.
   *
   * @param fingerprint the last owner's fingerprint
   * @param attempt the last owner's attempt number
   */
  record Abandoned(Fingerprint fingerprint, int attempt) implements Claim {}

  /**
   * The key has an outcome.
   *
   * @param fingerprint the fingerprint of the request that produced it
   * @param outcome what is to be replayed
   */
  record Completed(Fingerprint fingerprint, StoredOutcome outcome) implements Claim {}
}
