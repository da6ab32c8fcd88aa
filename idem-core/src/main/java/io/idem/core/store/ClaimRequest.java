package io.idem.core.store;

import java.time.Duration;

/**
 * What a caller asks of a store when it wants to own a key.
 *
 * <p>Durations, never instants: the store's clock alone decides when they end.
 *
 * @param id the identity of the scoped key
 * @param label its readable parts
 * @param fingerprint the digest of the request
 * @param token the mark this claim will own the key under
 * @param leaseFor how long the claim holds without renewal; at least one millisecond
 * @param retention how long the outcome is kept after completion; at least one millisecond
 * @param takeOver whether an abandoned record with a matching fingerprint is to be taken over
 *     instead of reported
 */
public record ClaimRequest(
    RecordId id,
    RecordLabel label,
    Fingerprint fingerprint,
    OwnerToken token,
    Duration leaseFor,
    Duration retention,
    boolean takeOver) {

  /**
   * The same request with another answer to an abandoned record.
   *
   * @param takeOver whether an abandoned record is to be taken over
   * @return a copy
   */
  public ClaimRequest withTakeOver(boolean takeOver) {
    return new ClaimRequest(id, label, fingerprint, token, leaseFor, retention, takeOver);
  }
}
