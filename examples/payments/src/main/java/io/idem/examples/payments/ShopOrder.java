package io.idem.examples.payments;

import java.time.Instant;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An order of the shop.
 *
 * @param number what the customer calls it; no two orders of a customer share one
 * @param amount in minor units
 * @param shipment what the carrier says last
 * @param history the states it has entered, oldest first
 */
record ShopOrder(
    UUID id,
    String number,
    String customer,
    String seller,
    long amount,
    OrderState state,
    Instant createdAt,
    @Nullable Shipment shipment,
    List<Entered> history) {

  /** Whether it is the same order, asked for again. */
  boolean isOf(NewOrder request) {
    return seller.equals(request.seller()) && amount == request.amount();
  }

  ShopOrder with(List<Entered> entered) {
    return new ShopOrder(id, number, customer, seller, amount, state, createdAt, shipment, entered);
  }

  /**
   * What the carrier says.
   *
   * @param sequence the carrier's own number of the event, which grows with time
   */
  record Shipment(long sequence, String status) {}

  /** A state and when it was entered. */
  record Entered(OrderState state, Instant at) {}
}
