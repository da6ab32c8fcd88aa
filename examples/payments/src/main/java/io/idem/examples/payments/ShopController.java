package io.idem.examples.payments;

import io.idem.guard.Insertion;
import io.idem.guard.StateMachine;
import io.idem.spring.Idempotent;
import java.net.URI;
import java.util.UUID;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.security.core.Authentication;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.JsonNode;

/**
 * Orders and stock over HTTP. Only the deduction takes a key: the other requests are told from
 * their repeats by the rows themselves.
 *
 * <p>In this demonstration a customer also plays the shop and the carrier of their own orders.
 */
@RestController
@RequestMapping("/api")
class ShopController {

  private final Shop shop;
  private final OrderBook book;
  private final StateMachine<OrderState> machine;

  ShopController(Shop shop, OrderBook book, StateMachine<OrderState> machine) {
    this.shop = shop;
    this.book = book;
    this.machine = machine;
  }

  /** 201 for a new order, 200 for one that was there under its number. */
  @PostMapping("/orders")
  ResponseEntity<ShopOrder> create(@RequestBody JsonNode body, Authentication caller) {
    Insertion<ShopOrder> answer = shop.create(caller.getName(), NewOrder.from(body));
    return answer.fold(
        inserted ->
            ResponseEntity.created(URI.create("/api/orders/" + inserted.row().id()))
                .body(inserted.row()),
        existing -> ResponseEntity.ok(existing.row()),
        busy -> {
          throw new IllegalStateException("A busy number is thrown");
        });
  }

  @GetMapping("/orders/{id}")
  ShopOrder order(@PathVariable UUID id, Authentication caller) {
    return book.order(id)
        .filter(order -> Users.isOperator(caller) || order.customer().equals(caller.getName()))
        .orElseThrow(() -> new NotFound("There is no order '" + id + "'."));
  }

  @PostMapping("/orders/{id}/payment")
  GuardAnswer pay(@PathVariable UUID id, Authentication caller) {
    order(id, caller);
    return GuardAnswer.of(shop.pay(id));
  }

  @PostMapping("/orders/{id}/shipment")
  GuardAnswer ship(@PathVariable UUID id, Authentication caller) {
    order(id, caller);
    return GuardAnswer.of(shop.ship(id));
  }

  @PostMapping("/orders/{id}/cancellation")
  GuardAnswer cancel(@PathVariable UUID id, Authentication caller) {
    order(id, caller);
    return GuardAnswer.of(shop.cancel(id));
  }

  @PostMapping("/orders/{id}/carrier-events")
  GuardAnswer follow(@PathVariable UUID id, @RequestBody JsonNode body, Authentication caller) {
    order(id, caller);
    return GuardAnswer.of(shop.follow(id, CarrierEvent.from(body)));
  }

  /** The life of an order, as a Mermaid diagram. */
  @GetMapping(path = "/orders/machine", produces = MediaType.TEXT_PLAIN_VALUE)
  String machine() {
    return machine.toMermaid();
  }

  @GetMapping("/stock/{product}")
  Stock stock(@PathVariable String product) {
    return book.stock(product)
        .orElseThrow(() -> new NotFound("There is no product '" + product + "'."));
  }

  /** Idempotent by nature: it says what the stock is, not by how much it changes. */
  @PutMapping("/stock/{product}")
  Stock setStock(@PathVariable String product, @RequestBody JsonNode body) {
    Stock stock = new Stock(product, PaymentRequest.count(body, "stock", 0));
    if (!book.setStock(stock)) {
      throw new NotFound("There is no product '" + product + "'.");
    }
    return stock;
  }

  @PostMapping("/stock/{product}/deductions")
  @Idempotent
  Stock deduct(@PathVariable String product, @RequestBody JsonNode body) {
    return shop.deduct(product, PaymentRequest.count(body, "quantity", 1));
  }
}
