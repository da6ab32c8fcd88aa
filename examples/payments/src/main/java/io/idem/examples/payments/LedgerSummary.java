package io.idem.examples.payments;

/**
 * The books in three numbers.
 *
 * @param payments payments made so far
 * @param entries lines, the opening ones included
 * @param sum of all lines, in minor units: zero, or the books are wrong
 */
record LedgerSummary(long payments, long entries, long sum) {}
