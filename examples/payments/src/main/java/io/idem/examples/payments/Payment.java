package io.idem.examples.payments;

import java.time.Instant;
import java.util.UUID;

/**
 * A payment that was made.
 *
 * @param amount in minor units
 */
record Payment(
    UUID id,
    String status,
    String from,
    String to,
    long amount,
    String currency,
    String reference,
    Instant createdAt) {

  /** Debited and credited, in one transaction: the only state a stored payment can have. */
  static final String COMPLETED = "COMPLETED";

  /** Whether the account paid it or was paid by it. */
  boolean involves(String account) {
    return from.equals(account) || to.equals(account);
  }
}
