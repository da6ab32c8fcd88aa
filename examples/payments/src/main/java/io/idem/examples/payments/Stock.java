package io.idem.examples.payments;

/**
 * What there is of a product.
 *
 * @param stock pieces, never less than zero
 */
record Stock(String product, long stock) {}
