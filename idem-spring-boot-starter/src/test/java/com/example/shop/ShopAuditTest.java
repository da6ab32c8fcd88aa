package com.example.shop;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.audit.EntryPoint;
import io.idem.audit.EntryPoints;
import io.idem.audit.IdempotencyAudit;
import io.idem.audit.StatementAudit;
import io.idem.spring.boot.EntryPointAudit;
import io.idem.spring.boot.IdempotencyAuditAutoConfiguration;
import io.idem.spring.boot.IdempotencyEndpoint;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.jdbc.datasource.init.ResourceDatabasePopulator;

/** The audit finds everything that is planted in {@link ShopApplication}, and nothing else. */
class ShopAuditTest {

  private static final String PACKAGE = "com.example.shop.ShopApplication$";

  private static final ListAppender<ILoggingEvent> logged = new ListAppender<>();
  private static ConfigurableApplicationContext context;
  private static ShopApplication.Ledger ledger;
  private static StatementAudit statements;

  @BeforeAll
  static void start() {
    Logger logger = (Logger) LoggerFactory.getLogger(IdempotencyAuditAutoConfiguration.class);
    logged.start();
    context =
        new SpringApplicationBuilder(ShopApplication.class)
            // Not before: Spring Boot sets logging up anew.
            .initializers(
                starting -> {
                  logger.setLevel(Level.INFO);
                  logger.addAppender(logged);
                })
            .run(
                "--server.port=0",
                "--server.address=127.0.0.1",
                "--spring.main.banner-mode=off",
                "--spring.datasource.url=jdbc:h2:mem:"
                    + UUID.randomUUID()
                    + ";MODE=MySQL;DB_CLOSE_DELAY=-1",
                "--management.endpoints.access.default=read-only",
                "--management.endpoints.web.exposure.include=idempotency",
                "--idem.audit.warn-unprotected=true",
                "--idem.audit.statements.enabled=true");
    logger.detachAppender(logged);
    logger.setLevel(null);
    ledger = context.getBean(ShopApplication.Ledger.class);
    statements = context.getBean(StatementAudit.class);
    ledger.createTables();
  }

  @AfterAll
  static void stop() {
    context.close();
  }

  @BeforeEach
  void forget() {
    statements.clear();
  }

  private static EntryPoints entryPoints() {
    return context.getBean(EntryPointAudit.class).entryPoints();
  }

  private static String place(String method) {
    return PACKAGE + "Ledger." + method;
  }

  private static HttpResponse<String> post(String path, String body, Map<String, String> headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create(
                    "http://127.0.0.1:"
                        + context.getEnvironment().getProperty("local.server.port")
                        + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    headers.forEach(request::header);
    return HttpClient.newHttpClient().send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  private static List<String> found() {
    return statements.findings().stream()
        .map(finding -> finding.callSite().method() + " " + finding.classification().kind())
        .toList();
  }

  @Test
  void everyEntryPointIsListedAsItIsProtected() {
    assertThat(entryPoints().all())
        .extracting(each -> each.protection() + " " + each.name() + " " + each.handler())
        .containsExactly(
            "UNPROTECTED * /accounts/any " + PACKAGE + "Accounts.any()",
            "DECLARED DELETE /orders/{number} " + PACKAGE + "Orders.delete(String)",
            "UNPROTECTED PATCH /orders/{number} " + PACKAGE + "Orders.change(String)",
            "PROTECTED POST /accounts " + PACKAGE + "Accounts.open(String)",
            "PROTECTED POST /orders " + PACKAGE + "Orders.place(Order)",
            "OPTIONAL POST /orders/notes " + PACKAGE + "Orders.note(String)",
            "UNPROTECTED POST /orders/{number}/payments " + PACKAGE + "Orders.pay(String)",
            "DECLARED PUT /orders/{number} " + PACKAGE + "Orders.put(String)",
            "PROTECTED jms shipped " + PACKAGE + "Messages.onShipped(String)",
            "PROTECTED kafka delivered " + PACKAGE + "Messages.onDelivered(String)",
            "UNPROTECTED kafka paid, refunded " + PACKAGE + "Messages.onPaid(String)",
            "PROTECTED kafka placed " + PACKAGE + "Messages.onPlaced(String)",
            "UNPROTECTED rabbit invoices " + PACKAGE + "Invoices.on(String)");
  }

  @Test
  void itIsToldHowEachIsProtected() {
    assertThat(entryPoints().all())
        .extracting(EntryPoint::how)
        .contains(
            "operation 'Orders.place', transactional, key from header Idempotency-Key",
            "operation 'Orders.note', transactional, key from header Idempotency-Key, if there is"
                + " one",
            "operation 'open-account', key from #owner",
            "operation 'placed-message', key from header idempotency-key",
            "state transition of #number to 'DELIVERED'",
            "the shop's inbox");
  }

  @Test
  void everyPlantedStatementIsFoundAndNothingElse() throws Exception {
    ledger.debit(1);
    ledger.log("a");
    ledger.seen();
    ledger.logAll(List.of("b", "c"));
    ledger.logIfAbsent("d");
    ledger.forgetSome();
    ledger.harmless();
    ledger.placeOnce("o-1");
    ledger.placeOnce("o-1");
    Map<String, String> key = Map.of("Idempotency-Key", "\"k-1\"");
    String order = "{\"number\": \"o-2\", \"total\": 7}";
    assertThat(post("/orders", order, key).statusCode()).isEqualTo(200);
    assertThat(post("/orders", order, key).statusCode()).isEqualTo(200);

    assertThat(found())
        .containsExactly(
            place("debit") + " RELATIVE_UPDATE",
            place("forgetSome") + " LIMITED_WRITE",
            place("log") + " PLAIN_INSERT",
            place("logAll") + " PLAIN_INSERT",
            place("logIfAbsent") + " INSERT_IF_ABSENT",
            place("seen") + " NONDETERMINISTIC_WRITE");
    assertThat(statements.findings())
        .filteredOn(finding -> finding.callSite().method().endsWith("logAll"))
        .singleElement()
        .satisfies(finding -> assertThat(finding.times()).isEqualTo(2));
  }

  @Test
  void whatSetsTheSchemaUpIsNotFound() {
    long before = statements.statementsOutside();
    new ResourceDatabasePopulator(
            new ByteArrayResource("INSERT INTO history (what) VALUES ('seed')".getBytes(UTF_8)))
        .execute(context.getBean(DataSource.class));

    assertThat(statements.statementsOutside()).isGreaterThan(before);
    assertThat(found()).isEmpty();
  }

  @Test
  void behindAnUnprotectedEndpointOrListenerTheyAreFound() throws Exception {
    assertThat(post("/orders/o-4/payments", "", Map.of()).statusCode()).isEqualTo(200);
    context.getBean(ShopApplication.Messages.class).onPaid("x");

    assertThat(found())
        .containsExactly(place("debit") + " RELATIVE_UPDATE", place("log") + " PLAIN_INSERT");
  }

  @Test
  void aRequestWithoutAnOptionalKeyRunsOutside() throws Exception {
    post("/orders/notes", "with", Map.of("Idempotency-Key", "\"k-2\""));
    assertThat(found()).isEmpty();

    post("/orders/notes", "without", Map.of());
    assertThat(found()).containsExactly(place("log") + " PLAIN_INSERT");
  }

  @Test
  void theBaselineHoldsUntilSomethingAppears(@TempDir Path directory) throws Exception {
    Path baseline = Path.of("src/test/resources/com/example/shop/idempotency-baseline.txt");
    ledger.debit(1);

    IdempotencyAudit.assertNothingNew(entryPoints(), statements.findings(), baseline);

    ledger.log("new");
    assertThatThrownBy(
            () -> IdempotencyAudit.assertNothingNew(entryPoints(), statements.findings(), baseline))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("statement PLAIN_INSERT " + place("log"))
        .hasMessageNotContaining("endpoint");
    Path less = directory.resolve("less.txt");
    Files.write(
        less,
        Files.readAllLines(baseline).stream().filter(line -> !line.contains("PATCH")).toList());
    assertThatThrownBy(() -> IdempotencyAudit.assertNothingNew(entryPoints(), less))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("endpoint PATCH /orders/{number}");
  }

  @Test
  void startUpLogsOneLineAndTheUnprotected() {
    assertThat(logged.list)
        .extracting(event -> event.getLevel() + " " + event.getFormattedMessage())
        .contains(
            "INFO Idempotency of what the application exposes: 8 endpoints (2 protected, 1"
                + " optional, 2 declared, 3 unprotected), 5 listeners (3 protected, 2"
                + " unprotected)")
        .anyMatch(line -> line.startsWith("WARN Nothing makes PATCH /orders/{number} idempotent"))
        .hasSize(6);
  }

  @Test
  void theActuatorTellsAllOfIt() throws Exception {
    ledger.debit(1);
    var report = context.getBean(IdempotencyEndpoint.class).report();

    assertThat(report.entryPoints()).isEqualTo(entryPoints().all());
    assertThat(report.summary()).isEqualTo(entryPoints().summary());
    assertThat(report.statements())
        .singleElement()
        .satisfies(
            each -> {
              assertThat(each.place()).startsWith(place("debit") + "(ShopApplication.java:");
              assertThat(each.verdict()).isEqualTo("NOT_IDEMPOTENT");
            });
  }
}
