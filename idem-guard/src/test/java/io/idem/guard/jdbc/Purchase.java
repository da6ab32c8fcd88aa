package io.idem.guard.jdbc;

/** The states of a purchase. */
enum Purchase {
  PENDING,
  PAID,
  SHIPPED,
  DELIVERED,
  CANCELLED
}
