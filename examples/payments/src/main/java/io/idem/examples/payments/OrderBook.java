package io.idem.examples.payments;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.stereotype.Repository;

/** Orders and stock in the database. Every method joins the caller's transaction. */
@Repository
class OrderBook {

  private final JdbcClient jdbc;

  OrderBook(JdbcClient jdbc) {
    this.jdbc = jdbc;
  }

  Optional<ShopOrder> order(UUID id) {
    return jdbc.sql(
            "select o.id, number, customer, seller, amount, state, created_at, sequence, status"
                + " from shop_order o left join shipment s on s.order_id = o.id where o.id = ?")
        .param(id)
        .query(OrderBook::readOrder)
        .optional()
        .map(order -> order.with(history(id)));
  }

  private List<ShopOrder.Entered> history(UUID id) {
    return jdbc.sql("select state, at from order_history where order_id = ? order by at, id")
        .param(id)
        .query(
            (row, number) ->
                new ShopOrder.Entered(
                    OrderState.valueOf(row.getString("state")),
                    row.getObject("at", OffsetDateTime.class).toInstant()))
        .list();
  }

  /** An empty shipment, which any event of the carrier is newer than. */
  void openShipment(UUID order) {
    jdbc.sql("insert into shipment (order_id) values (?)").param(order).update();
  }

  Optional<Stock> stock(String product) {
    return jdbc.sql("select id, stock from product where id = ?")
        .param(product)
        .query((row, number) -> new Stock(row.getString("id"), row.getLong("stock")))
        .optional();
  }

  /** Says what the stock is, whatever it was: twice is as good as once. */
  boolean setStock(Stock stock) {
    return jdbc.sql("update product set stock = ? where id = ?")
            .params(stock.stock(), stock.product())
            .update()
        == 1;
  }

  private static ShopOrder readOrder(ResultSet row, int number) throws SQLException {
    @Nullable String status = row.getString("status");
    return new ShopOrder(
        row.getObject("id", UUID.class),
        row.getString("number"),
        row.getString("customer"),
        row.getString("seller"),
        row.getLong("amount"),
        OrderState.valueOf(row.getString("state")),
        row.getObject("created_at", OffsetDateTime.class).toInstant(),
        status == null ? null : new ShopOrder.Shipment(row.getLong("sequence"), status),
        List.of());
  }
}
