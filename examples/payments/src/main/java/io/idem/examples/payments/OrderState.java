package io.idem.examples.payments;

/** Where an order is in its life. */
enum OrderState {
  PENDING,
  PAID,
  SHIPPED,
  CANCELLED
}
