package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.store.StoreUnavailableException;
import io.idem.guard.IllegalTransitionException;
import io.idem.guard.ObjectNotFoundException;
import io.idem.guard.StateMachine;
import io.idem.guard.jdbc.GuardBusyException;
import io.idem.guard.jdbc.GuardConflictException;
import io.idem.guard.jdbc.JdbcGuards;
import io.idem.guard.jdbc.StateGuard;
import io.idem.guard.jdbc.StateTable;
import io.idem.spring.GuardedTransition;
import io.idem.spring.IdempotencyExceptionHandler;
import io.idem.spring.Idempotent;
import io.idem.testkit.http.RawRequest;
import io.idem.testkit.http.RawResponse;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.ResponseEntity;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.datasource.DelegatingDataSource;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What guards throw, as clients meet it: over sockets, with Spring MVC and with WebFlux. */
@TestInstance(Lifecycle.PER_CLASS)
class GuardProblemsTest {

  private final HttpClient client = HttpClient.newHttpClient();
  private ServedApplication mvc;
  private WebFluxNode webFlux;
  private JdbcTemplate jdbc;

  @BeforeAll
  void start() {
    mvc = ServedApplication.start(MvcApplication.class);
    webFlux = new WebFluxNode(FluxApplication.class);
    jdbc = mvc.bean(JdbcTemplate.class);
    jdbc.execute("create table purchase (id int primary key, state varchar(9) not null)");
  }

  @AfterAll
  void stop() {
    webFlux.close();
    mvc.close();
  }

  @BeforeEach
  void oneOrder() {
    jdbc.update("delete from purchase");
    jdbc.update("insert into purchase values (1, 'OPEN')");
  }

  enum State {
    OPEN,
    PAID,
    SHIPPED
  }

  @Test
  void anIllegalTransitionIsAConflictThatNoRetryMends() throws Exception {
    HttpResponse<String> answer = post("/ship/1", null);

    assertProblem(answer, 409, "illegal-transition", false);
    assertThat(json(answer).path("detail").stringValue())
        .isEqualTo("It is OPEN, from where it cannot become SHIPPED.");
  }

  @Test
  void aMissingObjectIsNotFound() throws Exception {
    assertProblem(post("/pay/4711", null), 404, "object-not-found", false);
  }

  /** The handler may have committed something before, which a client that obeys would repeat. */
  @ParameterizedTest
  @CsvSource({"busy", "conflict"})
  void outsideOfATransactionalEndpointNobodyIsToldToSendItAgain(String what) throws Exception {
    HttpResponse<String> answer = post("/" + what, null);

    assertProblem(answer, 409, "contention-unsettled", false);
    assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
    assertThat(answer.body()).doesNotContain("Nothing was done");
  }

  /** The database is away when the guard begins; what the handler did before may be somewhere. */
  @Test
  void aDatabaseThatIsDownAsksNobodyToSendItAgain() throws Exception {
    Outage outage = mvc.bean(Outage.class);
    outage.down = true;
    HttpResponse<String> answer;
    try {
      answer = post("/pay/1", null);
    } finally {
      outage.down = false;
    }

    assertProblem(answer, 409, "store-unsettled", false);
    assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
    assertThat(json(answer).path("detail").stringValue()).doesNotContain("key");
    assertThat(post("/pay/1", null).statusCode()).isEqualTo(200);
  }

  /** A key of the service method says nothing of what its caller did before. */
  @Test
  void norDoesAServiceMethodWithAKeyOfItsOwn() throws Exception {
    Outage outage = mvc.bean(Outage.class);
    outage.down = true;
    HttpResponse<String> answer;
    try {
      answer = post("/keyed/4711", null);
    } finally {
      outage.down = false;
    }

    assertProblem(answer, 409, "store-unsettled", false);
    assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
  }

  /** Everything is rolled back there, and the key is free. */
  @Test
  void insideATransactionalEndpointItIsSafeToSendItAgain() throws Exception {
    Endpoints endpoints = mvc.bean(Endpoints.class);
    endpoints.contended = "unavailable";
    HttpResponse<String> answer = post("/once/pay/1", "unavailable");
    endpoints.contended = null;

    assertProblem(answer, 503, "store-unavailable", true);
    assertThat(answer.headers().firstValue("Retry-After")).contains("5");
    assertThat(jdbc.queryForObject("select state from purchase", String.class)).isEqualTo("OPEN");
    assertThat(post("/once/pay/1", "unavailable").statusCode()).isEqualTo(200);
  }

  /** Whoever reads the log has to find out which database it was. */
  @Test
  void theLogNamesWhatKindOfFailureItWas() throws Exception {
    Logger logger = (Logger) LoggerFactory.getLogger(IdempotencyExceptionHandler.class);
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    logger.addAppender(log);
    Outage outage = mvc.bean(Outage.class);
    outage.down = true;
    try {
      post("/pay/1", null);
    } finally {
      outage.down = false;
      logger.detachAppender(log);
    }

    assertThat(log.list)
        .extracting(ILoggingEvent::getFormattedMessage)
        .singleElement()
        .asString()
        .contains(
            "No transaction could be begun for '",
            "Orders.pay",
            "java.sql.SQLTransientConnectionException");
  }

  @Test
  void insideALeasedEndpointTheOutcomeIsUnknown() throws Exception {
    HttpResponse<String> answer = post("/leased", "leased");

    assertProblem(answer, 409, "outcome-unknown", false);
    assertThat(answer.headers().firstValue("Retry-After")).isEmpty();
  }

  /** Spring finds the guards' handler by the cause; it is not for it. */
  @ParameterizedTest
  @CsvSource({"busy", "illegal"})
  void whatWrapsAnExceptionOfAGuardIsAnsweredByTheApplication(String what) throws Exception {
    HttpResponse<String> answer = post("/wrapped/" + what, null);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
    assertThat(answer.body()).isEqualTo("order failed");
  }

  @Test
  void whatNobodyHasAHandlerForIsAnErrorAsEver() throws Exception {
    assertThat(post("/unhandled", null).statusCode()).isEqualTo(500);
  }

  @ParameterizedTest
  @CsvSource({"wrapped, 422", "unhandled, 500"})
  void webFluxLeavesWhatWrapsToTheApplication(String path, int status) {
    RawResponse answer = webFlux.send(RawRequest.of("POST", "/" + path));

    assertThat(answer.status()).as(answer.text()).isEqualTo(status);
    if (status == 422) {
      assertThat(answer.text()).isEqualTo("order failed");
    }
  }

  @Test
  void theTypeResolves() throws Exception {
    String type = json(post("/ship/1", null)).path("type").stringValue();

    HttpResponse<String> page =
        client.send(
            HttpRequest.newBuilder(mvc.base().resolve(type)).build(), BodyHandlers.ofString());

    assertThat(page.statusCode()).isEqualTo(200);
    assertThat(page.body()).contains("look the object up");
  }

  /** A repeat of the key is told what the first request was told, whatever has changed since. */
  @Test
  void insideAnEndpointAnIllegalTransitionIsItsOutcome() throws Exception {
    assertProblem(post("/once/ship/1", "illegal"), 409, "illegal-transition", false);
    post("/pay/1", null);

    HttpResponse<String> again = post("/once/ship/1", "illegal");

    assertProblem(again, 409, "illegal-transition", false);
    assertThat(ServedApplication.isReplay(again)).isTrue();
    assertThat(post("/once/ship/1", "another").statusCode()).isEqualTo(200);
  }

  @Test
  void insideAnEndpointContentionLeavesTheKeyFree() throws Exception {
    Endpoints endpoints = mvc.bean(Endpoints.class);
    endpoints.contended = "busy";
    HttpResponse<String> answer = post("/once/pay/1", "free");
    assertProblem(answer, 503, "contention", true);
    assertThat(answer.headers().firstValue("Retry-After")).contains("1");
    endpoints.contended = null;

    HttpResponse<String> again = post("/once/pay/1", "free");

    assertThat(again.statusCode()).isEqualTo(200);
    assertThat(ServedApplication.isReplay(again)).isFalse();
    assertThat(jdbc.queryForObject("select state from purchase", String.class)).isEqualTo("PAID");
  }

  @ParameterizedTest
  @CsvSource({
    "illegal, 409, illegal-transition, false",
    "missing, 404, object-not-found, false",
    "busy, 409, contention-unsettled, false",
    "conflict, 409, contention-unsettled, false",
    "unavailable, 409, store-unsettled, false"
  })
  void webFluxAnswersAlike(String what, int status, String slug, boolean retryable) {
    RawResponse answer = webFlux.send(RawRequest.of("POST", "/" + what));

    assertThat(answer.status()).isEqualTo(status);
    JsonNode problem = JsonMapper.shared().readTree(answer.text());
    assertThat(problem.path("type").stringValue()).endsWith("/" + slug);
    assertThat(problem.path("retryable").booleanValue()).isEqualTo(retryable);
    assertThat(answer.header("Retry-After")).hasSize(retryable ? 1 : 0);
  }

  private HttpResponse<String> post(String path, @Nullable String key) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(mvc.base().resolve(path)).POST(BodyPublishers.noBody());
    if (key != null) {
      request.header("Idempotency-Key", key);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  private static JsonNode json(HttpResponse<String> answer) {
    return JsonMapper.shared().readTree(answer.body());
  }

  private static void assertProblem(
      HttpResponse<String> answer, int status, String slug, boolean retryable) {
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type").orElse(""))
        .startsWith("application/problem+json");
    assertThat(json(answer).path("type").stringValue()).isEqualTo("/idempotency/problems/" + slug);
    assertThat(json(answer).path("retryable").booleanValue()).isEqualTo(retryable);
  }

  static void fail(String what) {
    SQLException cause = new SQLException("Timeout trying to lock table", "HYT00", 50200);
    switch (what) {
      case "illegal" -> throw new IllegalTransitionException(State.OPEN, State.SHIPPED);
      case "missing" -> throw new ObjectNotFoundException(State.PAID);
      case "unavailable" -> throw new StoreUnavailableException("down", cause);
      case "busy" -> throw new GuardBusyException("a row was held", cause);
      default -> throw new GuardConflictException("a deadlock", cause);
    }
  }

  static class OrderFailed extends Exception {
    private static final long serialVersionUID = 1L;

    OrderFailed(Throwable cause) {
      super("an order failed", cause);
    }
  }

  static class Unhandled extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Unhandled(Throwable cause) {
      super("nobody's", cause);
    }
  }

  static GuardBusyException busy() {
    return new GuardBusyException("a row was held", new SQLException());
  }

  static OrderFailed wrapped(String what) {
    try {
      fail(what);
    } catch (RuntimeException e) {
      return new OrderFailed(e);
    }
    throw new AssertionError("does not come here");
  }

  /** As applications write it: of no order. */
  @ControllerAdvice
  static class OrderAdvice {

    @ExceptionHandler
    ResponseEntity<String> failed(OrderFailed thrown) {
      return ResponseEntity.unprocessableContent().body("order failed");
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import({Endpoints.class, Orders.class, OrderAdvice.class, Outage.class})
  static class MvcApplication {

    @Bean
    StateGuard<State> purchases(JdbcGuards guards) {
      return guards.states(
          StateMachine.ordered(State.OPEN, State.PAID, State.SHIPPED).build(),
          StateTable.of("purchase"));
    }
  }

  /** A database that can go away. */
  static class Outage implements BeanPostProcessor {
    volatile boolean down;

    @Override
    public Object postProcessAfterInitialization(Object bean, String name) {
      return bean instanceof DataSource database
          ? new DelegatingDataSource(database) {
            @Override
            public Connection getConnection() throws SQLException {
              if (down) {
                throw new SQLTransientConnectionException("down");
              }
              return super.getConnection();
            }
          }
          : bean;
    }
  }

  static class Orders {

    @Idempotent(key = "#p0", source = "'shop'")
    public String keyed(String number) {
      return number;
    }

    @GuardedTransition(id = "#id", to = "PAID")
    public void pay(int id) {}

    @GuardedTransition(id = "#id", to = "SHIPPED")
    public void ship(int id) {}
  }

  @RestController
  static class Endpoints {

    private final Orders orders;
    volatile @Nullable String contended;

    Endpoints(Orders orders) {
      this.orders = orders;
    }

    @PostMapping("/pay/{id}")
    void pay(@PathVariable int id) {
      orders.pay(id);
    }

    @PostMapping("/keyed/{number}")
    String keyed(@PathVariable String number) {
      return orders.keyed(number);
    }

    @PostMapping("/ship/{id}")
    void ship(@PathVariable int id) {
      orders.ship(id);
    }

    @PostMapping("/{what:busy|conflict}")
    void fail(@PathVariable String what) {
      GuardProblemsTest.fail(what);
    }

    @PostMapping("/wrapped/{what}")
    void failWrapped(@PathVariable String what) throws OrderFailed {
      throw wrapped(what);
    }

    @PostMapping("/unhandled")
    void failUnhandled() {
      throw new Unhandled(busy());
    }

    @PostMapping("/leased")
    @Idempotent(caller = Idempotent.Caller.SHARED, mode = Idempotent.Mode.LEASED)
    void leased() {
      GuardProblemsTest.fail("busy");
    }

    @PostMapping("/once/ship/{id}")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    void shipOnce(@PathVariable int id) {
      orders.ship(id);
    }

    @PostMapping("/once/pay/{id}")
    @Idempotent(caller = Idempotent.Caller.SHARED)
    void payOnce(@PathVariable int id) {
      orders.pay(id);
      String how = contended;
      if (how != null) {
        GuardProblemsTest.fail(how);
      }
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @Import({FluxEndpoints.class, OrderAdvice.class})
  static class FluxApplication {}

  @RestController
  static class FluxEndpoints {

    @PostMapping("/{what:illegal|missing|busy|conflict|unavailable}")
    Mono<String> fail(@PathVariable String what) {
      return Mono.fromRunnable(() -> GuardProblemsTest.fail(what));
    }

    @PostMapping("/wrapped")
    Mono<String> failWrapped() {
      return Mono.error(wrapped("illegal"));
    }

    @PostMapping("/unhandled")
    Mono<String> failUnhandled() {
      return Mono.error(new Unhandled(busy()));
    }
  }
}
