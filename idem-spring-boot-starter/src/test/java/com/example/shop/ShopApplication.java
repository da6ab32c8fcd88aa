package com.example.shop;

import io.idem.guard.StateMachine;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import io.idem.spring.GuardedTransition;
import io.idem.spring.Idempotent;
import io.idem.spring.boot.ListenerProtection;
import java.util.List;
import java.util.Map;
import org.springframework.amqp.rabbit.annotation.RabbitHandler;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** A shop of which some is protected and some is not: what the audit is to find is planted here. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@EnableKafka
@Import({
  ShopApplication.Orders.class,
  ShopApplication.Accounts.class,
  ShopApplication.Ledger.class,
  ShopApplication.Messages.class,
  ShopApplication.Invoices.class
})
public class ShopApplication {

  static final String SCHEMA =
      """
      CREATE TABLE account (
        id INT PRIMARY KEY, balance INT NOT NULL, owner VARCHAR(20), seen_at TIMESTAMP,
        version INT NOT NULL DEFAULT 1);
      CREATE TABLE purchase (
        id INT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, number VARCHAR(40) NOT NULL UNIQUE,
        state VARCHAR(20) NOT NULL, total INT NOT NULL);
      CREATE TABLE history (what VARCHAR(100) NOT NULL);
      INSERT INTO account (id, balance) VALUES (1, 100);
      """;

  /** What surrounds listeners of JMS protects them, in this shop. */
  @Bean
  ListenerProtection inbox() {
    return (listener, beanType) ->
        listener.isAnnotationPresent(JmsListener.class) ? "the shop's inbox" : null;
  }

  enum State {
    NEW,
    DELIVERED
  }

  @Bean
  StateGuard<State> purchases(JdbcGuards guards) {
    return guards.states(
        StateMachine.ordered(State.NEW, State.DELIVERED).build(),
        StateTable.of("purchase").withId("number"));
  }

  /** Its listeners are there, and never ask a broker for messages. */
  @Bean
  ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
    ConcurrentKafkaListenerContainerFactory<String, String> factory =
        new ConcurrentKafkaListenerContainerFactory<>();
    factory.setConsumerFactory(new DefaultKafkaConsumerFactory<>(Map.of()));
    factory.setAutoStartup(false);
    return factory;
  }

  record Order(String number, int total) {}

  @RestController
  @RequestMapping("/orders")
  static class Orders {

    private final Ledger ledger;

    Orders(Ledger ledger) {
      this.ledger = ledger;
    }

    @PostMapping
    @Idempotent(caller = Idempotent.Caller.SHARED)
    String place(@RequestBody Order order) {
      ledger.place(order);
      return order.number();
    }

    @PostMapping("/notes")
    @Idempotent(caller = Idempotent.Caller.SHARED, required = false)
    String note(@RequestBody String text) {
      ledger.log(text);
      return "noted";
    }

    /** Planted: nothing protects it. */
    @PostMapping("/{number}/payments")
    String pay(@PathVariable String number) {
      ledger.debit(5);
      return number;
    }

    /** Planted: nothing protects it, and PATCH is not idempotent by definition. */
    @PatchMapping("/{number}")
    String change(@PathVariable String number) {
      return number;
    }

    @PutMapping("/{number}")
    String put(@PathVariable String number) {
      return number;
    }

    @DeleteMapping("/{number}")
    void delete(@PathVariable String number) {}

    @GetMapping("/{number}")
    String get(@PathVariable String number) {
      return number;
    }
  }

  @RestController
  static class Accounts {

    @PostMapping("/accounts")
    @Idempotent(key = "#owner", caller = Idempotent.Caller.SHARED, operation = "open-account")
    public String open(@RequestBody String owner) {
      return owner;
    }

    /** Planted: of every method, and so of POST. */
    @RequestMapping("/accounts/any")
    String any() {
      return "any";
    }
  }

  static class Messages {

    private final Ledger ledger;

    Messages(Ledger ledger) {
      this.ledger = ledger;
    }

    /** Planted: a message that comes again is counted again. */
    @KafkaListener(topics = {"paid", "${shop.topic:refunded}"})
    public void onPaid(String text) {
      ledger.log(text);
    }

    @KafkaListener(topics = "placed", groupId = "shop")
    @Idempotent(operation = "placed-message")
    public void onPlaced(String number) {
      ledger.log(number);
    }

    @KafkaListener(topics = "delivered")
    @GuardedTransition(id = "#number", to = "DELIVERED")
    public void onDelivered(String number) {}

    @JmsListener(destination = "shipped")
    public void onShipped(String text) {}
  }

  /** Planted: a class that listens. */
  @RabbitListener(queues = "invoices")
  static class Invoices {

    @RabbitHandler
    public void on(String text) {}

    public void noHandler(String text) {}
  }

  static class Ledger {

    private final JdbcTemplate jdbc;
    private final JdbcClient client;

    Ledger(JdbcTemplate jdbc, JdbcClient client) {
      this.jdbc = jdbc;
      this.client = client;
    }

    void createTables() {
      jdbc.execute(SCHEMA);
    }

    @Transactional
    public void place(Order order) {
      jdbc.update(
          "INSERT INTO purchase (number, state, total) VALUES (?, 'NEW', ?)",
          order.number(),
          order.total());
      debit(order.total());
      log("placed " + order.number());
    }

    // ---- planted: not idempotent

    void debit(int amount) {
      jdbc.update("UPDATE account SET balance = balance - ? WHERE id = ?", amount, 1);
    }

    void log(String what) {
      client.sql("INSERT INTO history (what) VALUES (:what)").param("what", what).update();
    }

    void seen() {
      jdbc.update("UPDATE account SET seen_at = now() WHERE id = ?", 1);
    }

    void forgetSome() {
      jdbc.update("DELETE FROM history LIMIT 1");
    }

    void logAll(List<String> all) {
      jdbc.batchUpdate(
          "INSERT INTO history (what) VALUES (?)",
          all.stream().map(what -> new Object[] {what}).toList());
    }

    void logIfAbsent(String what) {
      jdbc.update(
          "INSERT INTO history (what) SELECT ? WHERE NOT EXISTS"
              + " (SELECT 1 FROM history h WHERE h.what = ?)",
          what,
          what);
    }

    // ---- idempotent by themselves

    @Transactional
    public void harmless() {
      jdbc.update("UPDATE account SET owner = ? WHERE id = ?", "Ada", 1);
      jdbc.update(
          "UPDATE account SET balance = balance - ?, version = version + 1"
              + " WHERE id = ? AND version = ?",
          1,
          1,
          1);
      jdbc.update("UPDATE purchase SET state = 'PAID' WHERE id = ? AND state = 'NEW'", 1);
      jdbc.update("DELETE FROM purchase WHERE number = ?", "gone");
      jdbc.queryForList("SELECT * FROM account WHERE id = ? FOR UPDATE", 1);
    }

    void placeOnce(String number) {
      try {
        jdbc.update("INSERT INTO purchase (number, state, total) VALUES (?, 'NEW', 1)", number);
      } catch (DuplicateKeyException e) {
        // A repeat: the row is there.
      }
    }
  }
}
