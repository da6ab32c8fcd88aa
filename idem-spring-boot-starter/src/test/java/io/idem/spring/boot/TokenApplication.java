package io.idem.spring.boot;

import io.idem.servlet.CallerResolver;
import io.idem.spring.IdempotencyTokens;
import io.idem.spring.Idempotent;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.MediaType;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** A shop whose pages are rendered on the server. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(TokenApplication.Shop.class)
class TokenApplication {

  /** Who calls is what the header says: enough for a test. */
  @Bean
  CallerResolver callers() {
    return request -> request.getHeader("X-User");
  }

  @RestController
  static class Shop {

    private final JdbcTemplate jdbc;
    private final IdempotencyTokens tokens;

    Shop(JdbcTemplate jdbc, IdempotencyTokens tokens) {
      this.jdbc = jdbc;
      this.tokens = tokens;
      jdbc.execute(
          "create table if not exists purchase (id int auto_increment, item varchar(100))");
    }

    @GetMapping(path = "/order", produces = MediaType.TEXT_HTML_VALUE)
    String page() {
      return "<form method=\"post\" action=\"/orders\">"
          + tokens.field("orders.create").toHtml()
          + "<input name=\"item\"></form>";
    }

    @PostMapping("/orders")
    @Idempotent(operation = "orders.create", keyFrom = "token")
    String order(@RequestParam String item) {
      jdbc.update("insert into purchase (item) values (?)", item);
      return "order " + jdbc.queryForObject("select max(id) from purchase", Integer.class);
    }

    @PostMapping("/refunds")
    @Idempotent(operation = "orders.refund", keyFrom = "token-or-header")
    String refund(@RequestParam(defaultValue = "refund") String item) {
      jdbc.update("insert into purchase (item) values (?)", item);
      return "refunded";
    }

    @PostMapping("/newsletter")
    @Idempotent(operation = "newsletter", keyFrom = "token", caller = Idempotent.Caller.SHARED)
    String subscribe(@RequestParam String item) {
      jdbc.update("insert into purchase (item) values (?)", item);
      return "subscribed";
    }

    @PostMapping("/keyed")
    @Idempotent(operation = "keyed")
    String keyed() {
      return "keyed";
    }
  }
}
