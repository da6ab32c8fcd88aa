package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.idem.examples.payments.Service.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.security.crypto.password.PasswordEncoder;
import tools.jackson.databind.JsonNode;

/** What the service promises, over HTTP, whatever database holds its books. */
@SpringBootTest(webEnvironment = WebEnvironment.RANDOM_PORT, properties = "payments.messages=true")
abstract class PaymentServiceContract {

  private static final String PAYMENT =
      """
      {"from":"alice","to":"bob","amount":1250,"currency":"EUR","reference":"Lunch"}
      """;

  @Autowired JdbcClient jdbc;
  @Autowired LedgerSchema schema;
  @Autowired PasswordEncoder passwords;
  @LocalServerPort int port;

  Service service;

  @BeforeEach
  void freshBooks() {
    service = new Service(port);
    jdbc.sql("delete from ledger_entry where payment_id is not null").update();
    jdbc.sql("delete from payment").update();
    jdbc.sql("update account set balance = ? where kind = 'CUSTOMER'")
        .param(LedgerSchema.OPENING_BALANCE)
        .update();
  }

  /** The invariants hold after every test, whatever it did. */
  @AfterEach
  void booksAreSound() {
    assertThat(query("select count(*) from account")).isEqualTo(3);
    assertThat(query("select sum(amount) from ledger_entry")).isZero();
    assertThat(
            query(
                "select count(*) from account a where balance <>"
                    + " (select sum(amount) from ledger_entry e where e.account_id = a.id)"))
        .as("accounts whose balance is not the sum of their entries")
        .isZero();
    assertThat(
            query(
                "select count(*) from payment p where 2 <> (select count(*) from ledger_entry e"
                    + " where e.payment_id = p.id and e.created_at = p.created_at and e.amount ="
                    + " case e.account_id when p.from_account then -p.amount"
                    + " when p.to_account then p.amount end)"))
        .as("payments without exactly their two entries")
        .isZero();
  }

  @Test
  void aPaymentMovesMoneyAndSaysWhere() {
    Answer answer = service.post("alice", PAYMENT);

    assertThat(answer.status()).isEqualTo(201);
    JsonNode payment = answer.json();
    assertThat(answer.header("Location")).isEqualTo("/api/payments/" + answer.text("id"));
    assertThat(payment.propertyNames())
        .containsExactlyInAnyOrder(
            "id", "status", "from", "to", "amount", "currency", "reference", "createdAt");
    assertThat(answer.text("status")).isEqualTo("COMPLETED");
    assertThat(answer.text("reference")).isEqualTo("Lunch");
    assertThat(answer.text("createdAt")).endsWith("Z");
    assertThat(service.get("alice", answer.header("Location")).json()).isEqualTo(payment);
    assertThat(balances()).containsExactly(998_750L, 1_001_250L);
  }

  @Test
  void everythingCanBePaidButNotMore() {
    assertThat(service.pay("alice", "alice", "bob", 1_000_000).status()).isEqualTo(201);

    Answer refused = service.pay("alice", "alice", "bob", 1);

    assertProblem(refused, 402, "insufficient-funds");
    assertThat(balances()).containsExactly(0L, 2_000_000L);
    assertThat(query("select count(*) from payment")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {1_000_001, Long.MAX_VALUE})
  void tooMuchIsRefused(long amount) {
    assertProblem(service.pay("alice", "alice", "bob", amount), 402, "insufficient-funds");
  }

  @Test
  void paymentsInBothDirectionsAtOnceNeitherDeadlockNorLoseMoney() {
    List<Callable<Answer>> payments = new ArrayList<>();
    for (int i = 1; i <= 25; i++) {
      int amount = i;
      payments.add(() -> service.pay("alice", "alice", "bob", amount));
      payments.add(() -> service.pay("bob", "bob", "alice", 2L * amount));
    }

    assertThat(atOnce(payments)).extracting(Answer::status).containsOnly(201);

    long toAlice = IntStream.rangeClosed(1, 25).sum();
    assertThat(balances()).containsExactly(1_000_000 + toAlice, 1_000_000 - toAlice);
    assertThat(query("select count(*) from payment")).isEqualTo(50);
  }

  @Test
  void paymentsAtOnceNeverOverdraw() {
    Callable<Answer> third = () -> service.pay("alice", "alice", "bob", 300_000);

    List<Answer> answers = atOnce(IntStream.range(0, 20).mapToObj(i -> third).toList());

    assertThat(answers).filteredOn(answer -> answer.status() == 201).hasSize(3);
    assertThat(answers).filteredOn(answer -> answer.status() == 402).hasSize(17);
    assertThat(balances()).containsExactly(100_000L, 1_900_000L);
  }

  @Test
  void theDatabaseItselfRefusesAnOverdraft() {
    assertThatExceptionOfType(DataIntegrityViolationException.class)
        .isThrownBy(() -> jdbc.sql("update account set balance = -1 where id = 'bob'").update());
  }

  @Test
  void openingTheBooksAgainChangesNothing() throws Exception {
    service.post("alice", PAYMENT);

    schema.afterPropertiesSet();

    assertThat(balances()).containsExactly(998_750L, 1_001_250L);
  }

  static Stream<String> broken() {
    return Stream.of("", "{", "{\"from\":}", PAYMENT + "x", "{\"amount\":1,\"amount\":2}");
  }

  @ParameterizedTest
  @MethodSource("broken")
  void brokenJsonIsRefused(String body) {
    assertProblem(service.post("alice", body), 400, "invalid-json");
  }

  @ParameterizedTest
  @CsvSource({"alice,nobody", "nobody,bob", "alice,opening", "opening,alice", "alice,ops"})
  void onlyCustomersPayAndArePaid(String from, String to) {
    Answer answer = service.pay("alice", from, to, 1);

    assertProblem(answer, 400, "invalid-payment");
    assertThat(answer.text("detail")).startsWith("There is no account '");
  }

  @Test
  void anInvalidPaymentIsRefusedWithItsReason() {
    Answer answer = service.pay("alice", "alice", "bob", 0);

    assertProblem(answer, 400, "invalid-payment");
    assertThat(answer.text("detail")).isEqualTo("'amount' must be more than 0.");
  }

  @Test
  void anotherMediaTypeIsRefused() {
    Answer answer =
        service.send(
            service
                .request("/api/payments", "alice")
                .header("Content-Type", "text/plain")
                .header("Idempotency-Key", "text")
                .POST(BodyPublishers.ofString(PAYMENT)));

    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"bob", "ops"})
  void onlyTheOwnerPays(String caller) {
    assertProblem(service.pay(caller, "alice", "bob", 1), 403, "not-your-account");
  }

  @Test
  void aPaymentExistsForItsPartiesAndTheOperatorOnly() {
    jdbc.sql("insert into account values ('carol', 'EUR', 'CUSTOMER', 0)").update();
    try {
      String path = service.pay("bob", "bob", "carol", 1).header("Location");

      assertThat(service.get("bob", path).status()).isEqualTo(200);
      assertThat(service.get("ops", path).status()).isEqualTo(200);
      assertProblem(service.get("alice", path), 404, "not-found");
      assertProblem(service.get("alice", "/api/payments/nonsense"), 404, "not-found");
    } finally {
      freshBooks();
      jdbc.sql("delete from account where id = 'carol'").update();
    }
  }

  @Test
  void paymentsAreListedNewestFirstAndForTheirAccountOnly() {
    service.pay("alice", "alice", "bob", 1);
    service.pay("bob", "bob", "alice", 2);
    service.pay("alice", "alice", "bob", 3);

    assertThat(amounts(service.get("alice", "/api/payments?account=alice")))
        .containsExactly(3, 2, 1);
    assertThat(amounts(service.get("alice", "/api/payments?limit=2"))).containsExactly(3, 2);
    assertThat(amounts(service.get("ops", "/api/payments"))).containsExactly(3, 2, 1);
    assertThat(amounts(service.get("ops", "/api/payments?account=bob&limit=-5")))
        .containsExactly(3);
    assertProblem(service.get("alice", "/api/payments?account=bob"), 403, "not-your-account");
    assertProblem(service.get("alice", "/api/payments?limit=x"), 400, "invalid-parameter");
  }

  @Test
  void theBooksAreOpenToEveryUser() {
    service.pay("alice", "alice", "bob", 5);

    assertThat(amounts(service.get("bob", "/api/ledger?limit=2"))).containsExactly(5, -5);
    assertThat(service.get("bob", "/api/ledger/summary").json().toString())
        .isEqualTo("{\"payments\":1,\"entries\":6,\"sum\":0}");
    assertThat(service.get("bob", "/api/accounts/alice").json().toString())
        .isEqualTo("{\"id\":\"alice\",\"currency\":\"EUR\",\"balance\":999995}");
    assertProblem(service.get("bob", "/api/accounts/opening"), 404, "not-found");
  }

  @Test
  void withoutCredentialsThereIsNothing() {
    for (String path : List.of("/api/payments", "/api/ledger", "/api/x", "/x", "/actuator")) {
      Answer answer = service.get(path);
      assertProblem(answer, 401, "unauthorized");
      assertThat(answer.header("WWW-Authenticate")).startsWith("Basic ");
    }
  }

  @Test
  void aWrongPasswordIsRefusedWithoutADialogForScripts() {
    Answer answer =
        service.send(
            service
                .request("/api/ledger", "alice", "bob")
                .header("X-Requested-With", "XMLHttpRequest"));

    assertProblem(answer, 401, "unauthorized");
    assertThat(answer.header("WWW-Authenticate")).isEmpty();
  }

  @Test
  void aPasswordIsCheckedWithoutASlowHash() {
    // The provider encodes one for itself in every request before its first is done: with a slow
    // hash, the first storm after a start takes half a minute.
    assertThat(passwords.encode("secret")).isEqualTo("secret");
    assertThat(passwords.upgradeEncoding("secret")).isFalse();
  }

  @Test
  void thePageAndTheHealthAreOpen() {
    for (String path :
        List.of("/", "/assets/app.js", "/assets/app.css", "/problems.html", "/actuator/health")) {
      Answer answer = service.get(path);
      assertThat(answer.status()).as(path).isEqualTo(200);
      assertThat(answer.header("Content-Security-Policy")).startsWith("default-src 'none'");
      assertThat(answer.header("Set-Cookie")).isEmpty();
    }
    assertThat(service.get("/actuator/health").text("status")).isEqualTo("UP");
  }

  @Test
  void onlyTheOperatorReadsTheRestOfTheActuator() {
    assertProblem(service.get("alice", "/actuator/metrics"), 403, "forbidden");
    assertThat(service.get("ops", "/actuator/metrics").status()).isEqualTo(200);
  }

  @Test
  void everyProblemIsDescribedWhereItsTypeLeads() {
    String page = service.get("/problems.html").response().body();
    for (Answer answer :
        List.of(
            service.get("/api/ledger"),
            service.post("alice", "{"),
            service.pay("alice", "alice", "bob", 0),
            service.pay("bob", "alice", "bob", 1),
            service.pay("alice", "alice", "bob", 1_000_001),
            service.get("alice", "/api/payments/nonsense"),
            service.get("alice", "/actuator"),
            service.get("alice", "/api/payments?limit=x"))) {
      String slug = answer.text("type").replace("/problems.html#", "");
      assertThat(page).contains("id=\"" + slug + "\"");
    }
  }

  /** Beside the payments, in the same books. */
  @Nested
  class OrdersAndStock extends ShopCases {

    @Override
    Service service() {
      return service;
    }

    @Override
    JdbcClient jdbc() {
      return jdbc;
    }
  }

  /** The same payments, by message. */
  @Nested
  class ByMessage extends MessageCases {

    @Override
    Service service() {
      return service;
    }

    @Override
    JdbcClient jdbc() {
      return jdbc;
    }
  }

  /** What the page is built on. */
  @Nested
  class OnABadLine extends NetworkCases {

    @Override
    Service service() {
      return service;
    }

    @Override
    JdbcClient jdbc() {
      return jdbc;
    }

    @Override
    int port() {
      return port;
    }
  }

  private static void assertProblem(Answer answer, int status, String slug) {
    assertThat(answer.status()).as(answer.response().body()).isEqualTo(status);
    assertThat(answer.header("Content-Type")).startsWith("application/problem+json");
    assertThat(answer.text("type")).isEqualTo("/problems.html#" + slug);
    assertThat(answer.json().path("status").asInt()).isEqualTo(status);
    assertThat(answer.text("title")).isNotEmpty();
    assertThat(answer.text("detail")).isNotEmpty();
  }

  private List<Long> balances() {
    return Stream.of("alice", "bob")
        .map(id -> service.get("alice", "/api/accounts/" + id).json().path("balance").longValue())
        .toList();
  }

  private static List<Integer> amounts(Answer answer) {
    return answer.json().valueStream().map(row -> row.path("amount").intValue()).toList();
  }

  private long query(String sql) {
    return jdbc.sql(sql).query(Long.class).single();
  }

  /** Runs all of them at the same moment, on a thread each. */
  private static List<Answer> atOnce(List<Callable<Answer>> calls) {
    ExecutorService threads = Executors.newFixedThreadPool(calls.size());
    try {
      CountDownLatch start = new CountDownLatch(calls.size());
      List<Future<Answer>> futures = new ArrayList<>();
      for (Callable<Answer> call : calls) {
        futures.add(
            threads.submit(
                () -> {
                  start.countDown();
                  start.await();
                  return call.call();
                }));
      }
      List<Answer> answers = new ArrayList<>();
      for (Future<Answer> future : futures) {
        answers.add(future.get(60, TimeUnit.SECONDS));
      }
      return answers;
    } catch (InterruptedException | ExecutionException | TimeoutException e) {
      throw new AssertionError(e);
    } finally {
      threads.shutdownNow();
    }
  }
}
