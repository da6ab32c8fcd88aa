package io.idem.examples.payments;

import io.idem.guard.Insertion;
import io.idem.guard.Transition;
import io.idem.guard.VersionWrite;
import io.idem.guard.jdbc.RowLock;
import io.idem.guard.jdbc.UniqueNumber;
import io.idem.guard.jdbc.VersionGuard;
import io.idem.spring.GuardedTransition;
import java.time.Clock;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.UUID;
import org.springframework.dao.PessimisticLockingFailureException;
import org.springframework.stereotype.Service;
import org.springframework.transaction.annotation.Transactional;

/**
 * Sells: an order is made, paid, shipped and followed on its way, each step once, however often it
 * is asked for.
 */
@Service
class Shop {

  private static final Duration WAIT = Duration.ofSeconds(5);

  private final OrderBook book;
  private final Ledger ledger;
  private final Payments payments;
  private final UniqueNumber<UUID> numbers;
  private final VersionGuard shipments;
  private final RowLock products;
  private final Clock clock;

  Shop(
      OrderBook book,
      Ledger ledger,
      Payments payments,
      UniqueNumber<UUID> numbers,
      VersionGuard shipments,
      RowLock products,
      Clock clock) {
    this.book = book;
    this.ledger = ledger;
    this.payments = payments;
    this.numbers = numbers;
    this.shipments = shipments;
    this.products = products;
    this.clock = clock;
  }

  /**
   * Makes an order under the customer's number for it, or finds the one that was made under it.
   *
   * @throws PaymentRejected.NumberTaken if the number belongs to another order
   */
  @Transactional
  public Insertion<ShopOrder> create(String customer, NewOrder request) {
    requireSeller(customer, request.seller());
    Insertion<UUID> answer =
        numbers.insert(
            Map.of(
                "id", UUID.randomUUID(),
                "customer", customer,
                "number", request.number(),
                "seller", request.seller(),
                "amount", request.amount(),
                "state", OrderState.PENDING.name(),
                "created_at", Ledger.timestamp(clock).atOffset(ZoneOffset.UTC)));
    return answer.fold(
        inserted -> {
          book.openShipment(inserted.row());
          return new Insertion.Inserted<>(order(inserted.row()));
        },
        existing -> {
          ShopOrder order = order(existing.row());
          if (!order.isOf(request)) {
            throw new PaymentRejected.NumberTaken(request.number());
          }
          return new Insertion.Existing<>(order);
        },
        busy -> {
          throw new PessimisticLockingFailureException("The same order is being made just now");
        });
  }

  private void requireSeller(String customer, String seller) {
    if (seller.equals(customer)) {
      throw new PaymentRejected.Invalid("'seller' must be another account than your own.");
    }
    if (ledger.account(seller).filter(Account::ofCustomer).isEmpty()) {
      throw new PaymentRejected.Invalid("There is no account '" + seller + "'.");
    }
  }

  /** Moves the money with the transition to {@code PAID}: both, or neither. */
  @GuardedTransition(guard = "orderStates", id = "#id", to = "PAID")
  public Transition<OrderState> pay(UUID id) {
    ShopOrder order = order(id);
    payments.pay(
        order.customer(),
        new PaymentRequest(
            order.customer(),
            order.seller(),
            order.amount(),
            LedgerSchema.CURRENCY,
            "Order " + order.number()));
    return new Transition.Applied<>(OrderState.PAID);
  }

  @GuardedTransition(guard = "orderStates", id = "#id", to = "SHIPPED")
  public Transition<OrderState> ship(UUID id) {
    return new Transition.Applied<>(OrderState.SHIPPED);
  }

  @GuardedTransition(guard = "orderStates", id = "#id", to = "CANCELLED")
  public Transition<OrderState> cancel(UUID id) {
    return new Transition.Applied<>(OrderState.CANCELLED);
  }

  /** Stores what the carrier says, unless something newer is stored. */
  public VersionWrite follow(UUID id, CarrierEvent event) {
    return shipments.newestWins(id, event.sequence(), Map.of("status", event.status()));
  }

  /**
   * Takes pieces out of the stock. A lock keeps others away between the look and the change; that a
   * repeat takes nothing is up to the caller, whose key comes with the request.
   *
   * @throws PaymentRejected.OutOfStock if there are not so many
   */
  @Transactional
  public Stock deduct(String product, long quantity) {
    return products
        .<Stock, RuntimeException>run(
            product,
            WAIT,
            (row, connection) -> {
              Stock before = book.stock(product).orElseThrow();
              if (before.stock() < quantity) {
                throw new PaymentRejected.OutOfStock(product);
              }
              Stock after = new Stock(product, before.stock() - quantity);
              book.setStock(after);
              return after;
            })
        .fold(
            ran -> ran.result(),
            busy -> {
              throw new PessimisticLockingFailureException("The stock is held by others");
            },
            missing -> {
              throw new NotFound("There is no product '" + product + "'.");
            });
  }

  private ShopOrder order(UUID id) {
    return book.order(id).orElseThrow(() -> new NotFound("There is no such order."));
  }
}
