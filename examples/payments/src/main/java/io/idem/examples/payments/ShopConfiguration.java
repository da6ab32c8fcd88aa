package io.idem.examples.payments;

import io.idem.guard.StateMachine;
import io.idem.guard.jdbc.HistoryTable;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.NumberTable;
import io.idem.guard.jdbc.RowLock;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import io.idem.guard.jdbc.UniqueNumber;
import io.idem.guard.jdbc.VersionGuard;
import io.idem.guard.jdbc.VersionTable;
import java.util.UUID;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The guards of the shop: one of each form. */
@Configuration(proxyBeanMethods = false)
class ShopConfiguration {

  /** A paid order is not cancelled here: this shop makes no refunds. */
  @Bean
  StateMachine<OrderState> orderMachine() {
    return StateMachine.ordered(OrderState.PENDING, OrderState.PAID, OrderState.SHIPPED)
        .allow(OrderState.PENDING, OrderState.CANCELLED)
        .finalStates(OrderState.CANCELLED)
        .build();
  }

  @Bean
  StateGuard<OrderState> orderStates(JdbcGuards guards, StateMachine<OrderState> machine) {
    return guards.states(
        machine,
        StateTable.of("shop_order")
            .withHistory(HistoryTable.of("order_history", "order_id", "state").withAt("at")));
  }

  @Bean
  UniqueNumber<UUID> orderNumbers(JdbcGuards guards) {
    return guards.numbers(
        NumberTable.of("shop_order", "customer", "number")
            .withColumns("id", "seller", "amount", "state", "created_at")
            .withRead("id"),
        row -> row.getObject("id", UUID.class));
  }

  @Bean
  VersionGuard shipments(JdbcGuards guards) {
    return guards.versions(
        VersionTable.of("shipment", "status").withId("order_id").withVersion("sequence"));
  }

  @Bean
  RowLock products(JdbcGuards guards) {
    return guards.rows("product", "id");
  }
}
