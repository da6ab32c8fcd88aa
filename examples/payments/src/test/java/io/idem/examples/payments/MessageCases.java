package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.idem.examples.payments.Service.Answer;
import io.idem.jms.JmsMessages;
import jakarta.jms.TextMessage;
import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.UUID;
import org.apache.activemq.artemis.core.server.Queue;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jms.core.JmsTemplate;

/** A payment under one key is made once, whether it comes by HTTP, by message or by both. */
abstract class MessageCases {

  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final Duration PAUSE = Duration.ofMillis(5);
  private static final String PAYMENT =
      """
      {"from":"alice","to":"bob","amount":1250,"currency":"EUR","reference":"Lunch"}
      """;

  @Autowired private JmsTemplate messages;
  @Autowired private EmbeddedActiveMQ server;
  private final String key = UUID.randomUUID().toString();
  private long acknowledged;
  private long dead;

  abstract Service service();

  abstract JdbcClient jdbc();

  @BeforeEach
  void count() {
    acknowledged = queue(PaymentMessages.QUEUE).getMessagesAcknowledged();
    dead = queue(MessagesConfiguration.DEAD).getMessageCount();
  }

  @Test
  void aMessageThatIsSentTwiceIsPaidOnce() throws Exception {
    send("alice", PAYMENT);
    send("alice", PAYMENT);

    untilConsumed(2);
    assertPaidOnce();
  }

  @Test
  void whatWasPaidByHttpIsNotPaidAgainByMessage() throws Exception {
    assertThat(post(PAYMENT).status()).isEqualTo(201);

    send("alice", PAYMENT);

    untilConsumed(1);
    assertPaidOnce();
  }

  @Test
  void whatWasPaidByMessageIsAnsweredByHttpWithThatPayment() throws Exception {
    send("alice", PAYMENT);
    untilConsumed(1);

    Answer answer = post(PAYMENT);

    assertThat(answer.status()).isEqualTo(201);
    assertThat(answer.text("id"))
        .isEqualTo(jdbc().sql("select id from payment").query(UUID.class).single().toString());
    assertPaidOnce();
  }

  @Test
  void twentyOfEachAtOnceArePaidOnce() throws Exception {
    var answers =
        Callers.atOnce(
            20,
            () -> {
              send("alice", PAYMENT);
              return post(PAYMENT);
            });

    untilConsumed(20);
    assertThat(answers).extracting(Answer::status).isSubsetOf(201, 409).contains(201);
    assertThat(answers)
        .filteredOn(answer -> answer.status() == 201)
        .extracting(answer -> answer.text("id"))
        .containsOnly(jdbc().sql("select id from payment").query(UUID.class).single().toString());
    assertPaidOnce();
  }

  @Test
  void anotherPaymentUnderTheKeyIsRefusedWhicheverWayItComes() throws Exception {
    String another = PAYMENT.replace("1250", "1251");
    send("alice", PAYMENT);
    untilConsumed(1);

    assertThat(post(another).status()).isEqualTo(422);
    send("alice", another);

    untilDead(1);
    assertPaidOnce(1);
  }

  @Test
  void theKeyIsItsCallersAlone() throws Exception {
    send("alice", PAYMENT);
    send("bob", PAYMENT.replace("alice", "x").replace("bob", "alice").replace("\"x\"", "\"bob\""));

    untilConsumed(2);
    assertThat(payments()).isEqualTo(2);
  }

  @Test
  void aMessageMayBeSentOverHttp() throws Exception {
    for (int i = 0; i < 2; i++) {
      Answer answer =
          service()
              .send(
                  service()
                      .request("/api/payment-messages?key=" + key, "alice")
                      .header("Content-Type", "application/json")
                      .POST(BodyPublishers.ofString(PAYMENT)));
      assertThat(answer.status()).isEqualTo(202);
    }

    untilConsumed(2);
    assertPaidOnce();
  }

  private void send(String caller, String payment) {
    messages.send(
        PaymentMessages.QUEUE,
        session -> {
          TextMessage message = session.createTextMessage(payment);
          message.setStringProperty(PaymentMessages.CALLER_PROPERTY, caller);
          return JmsMessages.stamp(message, key);
        });
  }

  private Answer post(String payment) {
    return service()
        .send(
            service()
                .request("/api/payments", "alice")
                .header("Content-Type", "application/json")
                .header("Idempotency-Key", key)
                .POST(BodyPublishers.ofString(payment)));
  }

  /** A message that is sent again because it was busy is acknowledged once more. */
  private void untilConsumed(int sent) {
    Queue queue = queue(PaymentMessages.QUEUE);
    await(sent + " messages to be consumed")
        .atMost(PATIENCE)
        .pollInterval(PAUSE)
        .until(
            () ->
                queue.getMessagesAcknowledged() - acknowledged >= sent
                    && queue.getMessageCount() == 0);
  }

  private void untilDead(int refused) {
    await(refused + " dead messages")
        .atMost(PATIENCE)
        .pollInterval(PAUSE)
        .until(() -> queue(MessagesConfiguration.DEAD).getMessageCount() - dead == refused);
  }

  private void assertPaidOnce() {
    assertPaidOnce(0);
  }

  private void assertPaidOnce(int refused) {
    assertThat(payments()).isEqualTo(1);
    assertThat(service().get("alice", "/api/accounts/alice").json().path("balance").longValue())
        .isEqualTo(998_750);
    assertThat(queue(MessagesConfiguration.DEAD).getMessageCount() - dead).isEqualTo(refused);
  }

  private long payments() {
    return jdbc().sql("select count(*) from payment").query(Long.class).single();
  }

  private Queue queue(String name) {
    return server.getActiveMQServer().locateQueue(name);
  }
}
