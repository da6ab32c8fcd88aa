package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.examples.payments.Service.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.jdbc.core.simple.JdbcClient;

/** What the shop promises, over HTTP: each step once, without a key, and late news told apart. */
abstract class ShopCases {

  private static final int CALLERS = 50;
  private static final int STOCK = 30;

  abstract Service service();

  abstract JdbcClient jdbc();

  @BeforeEach
  void emptyShop() {
    jdbc().sql("delete from order_history").update();
    jdbc().sql("delete from shipment").update();
    jdbc().sql("delete from shop_order").update();
    assertThat(put("/api/stock/coffee", "{\"stock\":" + STOCK + "}").status()).isEqualTo(200);
  }

  // ---- a unique number

  @Test
  void oneNumberIsOneOrder() {
    List<Answer> answers = Callers.atOnce(CALLERS, () -> create("A-1", 1250));

    assertThat(answers).filteredOn(answer -> answer.status() == 201).hasSize(1);
    assertThat(answers).filteredOn(answer -> answer.status() == 200).hasSize(CALLERS - 1);
    assertThat(answers.stream().map(answer -> answer.text("id")).distinct()).hasSize(1);
    assertThat(rows("shop_order")).isEqualTo(1);
    assertThat(rows("shipment")).isEqualTo(1);
  }

  @Test
  void anotherOrderUnderTheNumberIsRefused() {
    create("A-1", 1250);

    assertRefused(create("A-1", 1251), 409, "/problems.html#number-taken");
    assertThat(rows("shop_order")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "[]",
        "{\"seller\":\"bob\",\"amount\":1}",
        "{\"number\":\"A 1\",\"seller\":\"bob\",\"amount\":1}",
        "{\"number\":\"A-1\",\"seller\":\"alice\",\"amount\":1}",
        "{\"number\":\"A-1\",\"seller\":\"nobody\",\"amount\":1}",
        "{\"number\":\"A-1\",\"seller\":\"bob\",\"amount\":1.5}"
      })
  void whatIsNoOrderIsRefused(String body) {
    assertRefused(post("/api/orders", body), 400, "/problems.html#invalid-payment");
  }

  // ---- a state machine

  @Test
  void fiftyPaymentsAtOnceMoveTheMoneyOnce() {
    String order = newOrder(1250);

    List<Answer> answers = Callers.atOnce(CALLERS, () -> step(order, "payment"));

    assertThat(answers).extracting(Answer::status).containsOnly(200);
    assertThat(answers).filteredOn(answer -> answer.text("answer").equals("APPLIED")).hasSize(1);
    assertThat(answers)
        .filteredOn(answer -> answer.text("answer").equals("ALREADY_THERE"))
        .hasSize(CALLERS - 1);
    assertThat(rows("payment")).isEqualTo(1);
    assertThat(balance("alice")).isEqualTo(LedgerSchema.OPENING_BALANCE - 1250);
    assertThat(history(order)).containsExactly("PAID");
  }

  @Test
  void aLatePaymentIsToldFromOneThatIsNotAllowed() {
    String shipped = newOrder(5);
    step(shipped, "payment");
    step(shipped, "shipment");
    String cancelled = newOrder(5);
    step(cancelled, "cancellation");

    Answer late = step(shipped, "payment");

    assertThat(late.text("answer")).isEqualTo("ALREADY_PAST");
    assertThat(late.text("now")).isEqualTo("SHIPPED");
    assertIllegal(step(cancelled, "payment"));
    assertThat(rows("payment")).isEqualTo(1);
  }

  @Test
  void aStepTooEarlyOrTooLateIsIllegal() {
    String order = newOrder(5);

    assertIllegal(step(order, "shipment"));
    step(order, "payment");
    assertIllegal(step(order, "cancellation"));
    step(order, "shipment");

    assertThat(history(order)).containsExactly("PAID", "SHIPPED");
  }

  @Test
  void aPaymentThatFailsLeavesTheOrderPending() {
    String order = newOrder(LedgerSchema.OPENING_BALANCE + 1);

    assertRefused(step(order, "payment"), 402, "/problems.html#insufficient-funds");

    assertThat(order(order).text("state")).isEqualTo("PENDING");
    assertThat(history(order)).isEmpty();
    jdbc().sql("update shop_order set amount = 1").update();
    assertThat(step(order, "payment").text("answer")).isEqualTo("APPLIED");
  }

  @Test
  void anOrderIsItsCustomersOnly() {
    String order = newOrder(5);

    assertThat(service().get("ops", "/api/orders/" + order).status()).isEqualTo(200);
    assertRefused(service().get("bob", "/api/orders/" + order), 404, "/problems.html#not-found");
    assertRefused(
        service()
            .send(
                service()
                    .request("/api/orders/" + order + "/payment", "bob")
                    .POST(BodyPublishers.noBody())),
        404,
        "/problems.html#not-found");
    assertRefused(step(UUID.randomUUID().toString(), "payment"), 404, "/problems.html#not-found");
  }

  @Test
  void theMachineIsDrawn() {
    assertThat(service().get("alice", "/api/orders/machine").response().body())
        .isEqualTo(
            """
            stateDiagram-v2
                [*] --> PENDING
                PENDING --> PAID
                PENDING --> CANCELLED
                PAID --> SHIPPED
                SHIPPED --> [*]
                CANCELLED --> [*]
            """);
  }

  // ---- a version

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void theNewestEventStaysWhateverOrderTheyComeIn(long seed) {
    String order = newOrder(5);
    List<Integer> sequences = new ArrayList<>(List.of(1, 2, 3, 4, 5, 3, 5));
    Collections.shuffle(sequences, new Random(seed));

    int newest = 0;
    for (int sequence : sequences) {
      Answer answer = event(order, sequence);
      assertThat(answer.text("answer"))
          .as("%d after %d", sequence, newest)
          .isEqualTo(sequence > newest ? "APPLIED" : sequence == newest ? "REPEAT" : "STALE");
      newest = Math.max(newest, sequence);
      assertThat(answer.text("now")).isEqualTo(String.valueOf(newest));
    }

    assertThat(order(order).json().path("shipment").toString())
        .isEqualTo("{\"sequence\":5,\"status\":\"DELIVERED\"}");
  }

  @ParameterizedTest
  @CsvSource({"1.5, IN_TRANSIT", "1, NOWHERE"})
  void whatIsNoEventIsRefused(String sequence, String status) {
    String order = newOrder(5);

    assertRefused(
        post(
            "/api/orders/" + order + "/carrier-events",
            "{\"sequence\":" + sequence + ",\"status\":\"" + status + "\"}"),
        400,
        "/problems.html#invalid-payment");
  }

  // ---- a row lock, and a key

  @Test
  void fiftyBuyersTakeThirtyPiecesAndTheirRetriesNone() {
    List<String> keys = Stream.generate(() -> UUID.randomUUID().toString()).limit(CALLERS).toList();

    List<Answer> first = atOnce(keys);

    assertThat(first).filteredOn(answer -> answer.status() == 200).hasSize(STOCK);
    assertThat(first)
        .filteredOn(answer -> answer.status() != 200)
        .hasSize(CALLERS - STOCK)
        .allSatisfy(answer -> assertRefused(answer, 409, "/problems.html#out-of-stock"));
    assertThat(stock()).isZero();

    put("/api/stock/coffee", "{\"stock\":100}");
    List<Answer> again = atOnce(keys);

    assertThat(again).allSatisfy(answer -> assertThat(isReplay(answer)).isTrue());
    assertThat(again).filteredOn(answer -> answer.status() == 200).hasSize(STOCK);
    assertThat(stock()).isEqualTo(100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"0", "-1", "1.5", "1000001", "\"1\""})
  void whatIsNoQuantityIsRefused(String quantity) {
    assertRefused(
        deduct(UUID.randomUUID().toString(), quantity), 400, "/problems.html#invalid-payment");
    assertThat(stock()).isEqualTo(STOCK);
  }

  @Test
  void anUnknownProductIsNotFound() {
    assertRefused(service().get("alice", "/api/stock/tea"), 404, "/problems.html#not-found");
    assertRefused(put("/api/stock/tea", "{\"stock\":1}"), 404, "/problems.html#not-found");
    assertRefused(
        keyed("/api/stock/tea/deductions", UUID.randomUUID().toString(), "{\"quantity\":1}"),
        404,
        "/problems.html#not-found");
  }

  @Test
  void thePageAndItsProblemsAreOpen() {
    assertThat(service().get("/orders.html").status()).isEqualTo(200);
    assertThat(service().get("/assets/orders.js").status()).isEqualTo(200);
    assertThat(service().get("/problems.html").response().body())
        .contains("id=\"number-taken\"", "id=\"out-of-stock\"");
    assertThat(service().get("/idempotency/problems/illegal-transition").status()).isEqualTo(200);
  }

  // ---- the service

  private Answer create(String number, long amount) {
    return post(
        "/api/orders",
        "{\"number\":\"" + number + "\",\"seller\":\"bob\",\"amount\":" + amount + "}");
  }

  private String newOrder(long amount) {
    Answer answer = create("N-" + UUID.randomUUID().toString().substring(0, 8), amount);
    assertThat(answer.status()).as(answer.response().body()).isEqualTo(201);
    assertThat(answer.header("Location")).isEqualTo("/api/orders/" + answer.text("id"));
    return answer.text("id");
  }

  private Answer order(String id) {
    return service().get("alice", "/api/orders/" + id);
  }

  private List<String> history(String id) {
    return order(id)
        .json()
        .path("history")
        .valueStream()
        .map(entered -> entered.path("state").stringValue())
        .toList();
  }

  private Answer step(String order, String name) {
    return post("/api/orders/" + order + "/" + name, "");
  }

  private Answer event(String order, int sequence) {
    List<String> statuses =
        List.of("ANNOUNCED", "PICKED_UP", "IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED");
    return post(
        "/api/orders/" + order + "/carrier-events",
        "{\"sequence\":" + sequence + ",\"status\":\"" + statuses.get(sequence - 1) + "\"}");
  }

  private List<Answer> atOnce(List<String> keys) {
    var left = new ConcurrentLinkedQueue<>(keys);
    return Callers.atOnce(keys.size(), () -> deduct(left.remove(), "1"));
  }

  private Answer deduct(String key, String quantity) {
    return keyed("/api/stock/coffee/deductions", key, "{\"quantity\":" + quantity + "}");
  }

  private Answer keyed(String path, String key, String body) {
    return service()
        .send(
            service()
                .request(path, "alice")
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", key)
                .POST(BodyPublishers.ofString(body)));
  }

  private long stock() {
    return service().get("alice", "/api/stock/coffee").json().path("stock").longValue();
  }

  private long balance(String account) {
    return service().get("alice", "/api/accounts/" + account).json().path("balance").longValue();
  }

  private long rows(String table) {
    return jdbc().sql("select count(*) from " + table).query(Long.class).single();
  }

  private Answer post(String path, String body) {
    return service()
        .send(
            service()
                .request(path, "alice")
                .header("Content-Type", "application/json")
                .POST(BodyPublishers.ofString(body)));
  }

  private Answer put(String path, String body) {
    return service()
        .send(
            service()
                .request(path, "alice")
                .header("Content-Type", "application/json")
                .PUT(BodyPublishers.ofString(body)));
  }

  private static boolean isReplay(Answer answer) {
    return answer.header("Idempotent-Replayed").equals("true");
  }

  private static void assertIllegal(Answer answer) {
    assertRefused(answer, 409, "/idempotency/problems/illegal-transition");
    assertThat(answer.json().path("retryable").booleanValue()).isFalse();
  }

  private static void assertRefused(Answer answer, int status, String type) {
    assertThat(answer.status()).as(answer.response().body()).isEqualTo(status);
    assertThat(answer.text("type")).isEqualTo(type);
    assertThat(answer.text("detail")).isNotEmpty();
  }
}
