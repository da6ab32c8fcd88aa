package io.idem.spring.boot;

import io.idem.core.Attempt;
import io.idem.servlet.CallerResolver;
import io.idem.servlet.IdempotentExchange;
import io.idem.spring.Idempotent;
import jakarta.servlet.http.HttpServletRequest;
import java.net.URI;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.stereotype.Controller;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.transaction.support.TransactionSynchronization;
import org.springframework.transaction.support.TransactionSynchronizationManager;
import org.springframework.web.bind.annotation.CrossOrigin;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

/** A web application as a user writes it: endpoints, a service, a database. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import({
  EndpointApplication.Endpoints.class,
  EndpointApplication.Contracted.class,
  EndpointApplication.Forwarder.class,
  EndpointApplication.Effects.class,
  EndpointApplication.Inner.class,
  EndpointApplication.Bookings.class
})
class EndpointApplication {

  /** Who calls is what the header says: enough for a test. */
  @Bean
  CallerResolver callers() {
    return request -> request.getHeader("X-User");
  }

  /** Rows that a run leaves behind. */
  static class Effects {

    private final JdbcTemplate jdbc;

    Effects(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
      jdbc.execute("create table if not exists effect (name varchar(100))");
    }

    @Transactional
    public void add(String name) {
      jdbc.update("insert into effect values (?)", name);
    }

    @Transactional
    public void addAndReject(String name) {
      add(name);
      throw new Rejected();
    }

    int count(String name) {
      Integer count =
          jdbc.queryForObject("select count(*) from effect where name = ?", Integer.class, name);
      return count == null ? -1 : count;
    }
  }

  static class Rejected extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  record Booking(String system, String number, int amount) {}

  record Receipt(String id, int amount) {}

  /** A service as the README shows it. */
  static class Bookings {

    @Idempotent(key = "#booking.number", source = "#booking.system")
    @Transactional
    public Receipt book(Booking booking) {
      return new Receipt(UUID.randomUUID().toString(), booking.amount());
    }
  }

  /** An operation of its own behind an endpoint. */
  static class Inner {

    private final Semaphore entered = new Semaphore(0);
    private final Semaphore mayLeave = new Semaphore(0);

    @Idempotent(key = "#key", waitAtMost = "0", operation = "inner", mode = Idempotent.Mode.LEASED)
    public String hold(String key) throws InterruptedException {
      entered.release();
      if (!mayLeave.tryAcquire(30, TimeUnit.SECONDS)) {
        throw new IllegalStateException("nobody let it go");
      }
      return key;
    }

    public boolean isHeld() throws InterruptedException {
      return entered.tryAcquire(30, TimeUnit.SECONDS);
    }

    public void letGo() {
      mayLeave.release();
    }
  }

  @RestController
  static class Endpoints {

    private final Effects effects;
    private final Inner inner;

    Endpoints(Effects effects, Inner inner) {
      this.effects = effects;
      this.inner = inner;
    }

    @PostMapping("/orders")
    @Idempotent
    ResponseEntity<Map<String, String>> order(@RequestBody Map<String, String> body) {
      effects.add(body.getOrDefault("name", "nameless"));
      return ResponseEntity.created(URI.create("/orders/1"))
          .header("X-Request-Id", UUID.randomUUID().toString())
          .body(Map.of("id", UUID.randomUUID().toString()));
    }

    @PostMapping("/orders/{id}/pay")
    @Idempotent
    String pay(@PathVariable String id) {
      effects.add("paid " + id);
      return id;
    }

    @PutMapping("/orders/{id}")
    @Idempotent
    String put(@PathVariable String id) {
      effects.add("put " + id);
      return id;
    }

    @PostMapping("/rejected/{name}")
    @Idempotent
    String rejected(@PathVariable String name) {
      effects.addAndReject(name);
      return name;
    }

    @PostMapping("/broken/{name}")
    @Idempotent
    String broken(@PathVariable String name) {
      effects.add(name);
      throw new IllegalStateException("broken");
    }

    @PostMapping("/optional/{name}")
    @Idempotent(required = false)
    String optional(@PathVariable String name) {
      effects.add(name);
      return UUID.randomUUID().toString();
    }

    @PostMapping("/shared/{name}")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    String shared(@PathVariable String name) {
      effects.add(name);
      return UUID.randomUUID().toString();
    }

    @PostMapping("/own-header")
    @Idempotent(header = "X-Key")
    String ownHeader() {
      return UUID.randomUUID().toString();
    }

    @PostMapping("/form")
    @Idempotent
    String form(HttpServletRequest request) {
      effects.add("form");
      return String.valueOf(request.getParameter("name"));
    }

    @PostMapping("/outgoing")
    @Idempotent
    String outgoing(HttpServletRequest request) {
      return IdempotentExchange.attempt(request).orElseThrow().outgoingKey("charge");
    }

    @PostMapping("/nested/{name}")
    @Idempotent
    String nested(@PathVariable String name, @RequestHeader("X-Inner") String key)
        throws InterruptedException {
      effects.add(name);
      return inner.hold(key);
    }

    /** No endpoint of Idem's: only the inner operation has a key. */
    @PostMapping("/nested-open/{name}")
    String nestedOpen(@PathVariable String name, @RequestHeader("X-Inner") String key)
        throws InterruptedException {
      effects.add(name);
      return inner.hold(key);
    }

    @PostMapping("/nested-leased/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED)
    String nestedLeased(@PathVariable String name, @RequestHeader("X-Inner") String key)
        throws InterruptedException {
      effects.add(name);
      return inner.hold(key);
    }

    /** As if its first run had died behind its first step. */
    @PostMapping("/steps/{name}")
    @Idempotent(mode = Idempotent.Mode.LEASED, onAbandoned = "RETRY")
    String steps(@PathVariable String name, HttpServletRequest request) {
      Attempt attempt = IdempotentExchange.attempt(request).orElseThrow();
      String charged =
          attempt.step(
              "charge",
              String.class,
              key -> {
                effects.add(name);
                return key;
              });
      if (attempt.number() == 1) {
        throw new IllegalStateException("crash");
      }
      attempt.step("ship", key -> effects.add(name));
      return charged;
    }

    @PostMapping("/undone/{name}")
    @Idempotent
    ResponseEntity<String> undone(@PathVariable String name) {
      effects.add(name);
      TransactionSynchronizationManager.registerSynchronization(
          new TransactionSynchronization() {
            @Override
            public void beforeCommit(boolean readOnly) {
              throw new IllegalStateException("cannot be committed");
            }
          });
      return ResponseEntity.created(URI.create("/paid/1")).body("paid");
    }

    @CrossOrigin("http://shop.example")
    @PostMapping("/cross-origin")
    @Idempotent
    String crossOrigin() {
      return UUID.randomUUID().toString();
    }

    @RequestMapping("/any-method/{name}")
    @Idempotent
    String anyMethod(@PathVariable String name) {
      effects.add(name);
      return UUID.randomUUID().toString();
    }

    @GetMapping("/orders")
    String list() {
      return "all";
    }

    @ExceptionHandler
    ResponseEntity<String> on(Rejected e) {
      return ResponseEntity.status(HttpStatus.PAYMENT_REQUIRED).body("no funds");
    }
  }

  /** A mapping that stands on an interface, with the annotation on the class. */
  @RequestMapping("/contracted")
  interface Contract {

    @PostMapping("/{name}")
    String run(@PathVariable("name") String name);
  }

  @RestController
  static class Contracted implements Contract {

    private final Effects effects;

    Contracted(Effects effects) {
      this.effects = effects;
    }

    @Override
    @Idempotent
    public String run(String name) {
      effects.add(name);
      return UUID.randomUUID().toString();
    }
  }

  @Controller
  static class Forwarder {

    @PostMapping("/forward")
    String forward() {
      return "forward:/contracted/forwarded";
    }
  }
}
