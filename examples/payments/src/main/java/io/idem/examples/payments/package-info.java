/**
 * A small payment service that cannot pay twice: a double-entry ledger behind an HTTP API, and a
 * page that lets anyone try to break it.
 *
 * <p>One class, {@code PaymentController}, knows about idempotency. Everything else is the service
 * as it would be without it.
 */
@NullMarked
package io.idem.examples.payments;

import org.jspecify.annotations.NullMarked;
