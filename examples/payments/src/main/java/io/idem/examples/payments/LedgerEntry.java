package io.idem.examples.payments;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.time.Instant;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * One line of the books.
 *
 * @param paymentId the payment it belongs to; none for an opening balance
 * @param amount in minor units: positive what the account gets, negative what it gives
 */
record LedgerEntry(
    long id,
    @Nullable UUID paymentId,
    @JsonProperty("account") String accountId,
    long amount,
    Instant createdAt) {}
