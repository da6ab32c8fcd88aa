package io.idem.examples.payments;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.examples.payments.Service.Answer;
import java.io.UncheckedIOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;

/** Three services, each in a process of its own, behind a balancer that sends a repeat anywhere. */
@TestInstance(Lifecycle.PER_CLASS)
class ThreeNodesIT {

  private static final int NODES = 3;

  private final List<ServiceProcess> nodes = new CopyOnWriteArrayList<>();
  private final AtomicInteger turn = new AtomicInteger();

  private final String url = SharedPostgres.newDatabase();
  private long before;

  @BeforeAll
  void start() {
    startNode(); // sets up the database
    Callers.atOnce(
        NODES - 1,
        () -> {
          startNode();
          return true;
        });
  }

  private void startNode() {
    nodes.add(
        ServiceProcess.start(
            "--spring.datasource.url=" + url, "--spring.datasource.username=postgres"));
  }

  @AfterAll
  void stop() {
    nodes.forEach(ServiceProcess::close);
  }

  @BeforeEach
  void rememberBalance() {
    before = balanceOfBob();
  }

  @Test
  void hundredDuplicatesOverThreeNodesAreOnePayment() {
    for (int round = 1; round <= 3; round++) {
      String key = key();

      List<Answer> answers = Callers.atOnce(100, () -> pay(next(), key));

      assertThat(answers).allSatisfy(answer -> assertThat(answer.status()).isIn(201, 409));
      List<Answer> paid = answers.stream().filter(answer -> answer.status() == 201).toList();
      assertThat(paid.stream().map(answer -> answer.response().body()).distinct()).hasSize(1);
      assertThat(paid.stream().filter(answer -> !isReplayed(answer))).hasSize(1);
      assertThat(moved()).isEqualTo(round);
    }
  }

  @Test
  void whatOneNodeAnsweredEveryNodeRepeats() {
    String key = key();
    Answer first = pay(nodes.get(0), key);
    assertThat(first.status()).isEqualTo(201);
    for (ServiceProcess node : nodes) {
      Answer repeat = pay(node, key);
      assertThat(repeat.status()).isEqualTo(201);
      assertThat(isReplayed(repeat)).isTrue();
      assertThat(repeat.response().body()).isEqualTo(first.response().body());
    }
    assertThat(moved()).isOne();
  }

  @Test
  void nodeThatDiesTakesNoPaymentWithIt() {
    List<String> keys = IntStream.range(0, 60).mapToObj(i -> key()).toList();
    AtomicInteger answered = new AtomicInteger();
    AtomicInteger sent = new AtomicInteger();
    ServiceProcess victim = nodes.get(NODES - 1);

    Callers.atOnce(
        12,
        () -> {
          for (int k; (k = sent.getAndIncrement()) < keys.size(); ) {
            try {
              assertThat(pay(next(), keys.get(k)).status()).isLessThan(500);
            } catch (UncheckedIOException e) {
              // The node is gone: nobody knows whether the payment was taken.
            }
            if (answered.incrementAndGet() == keys.size() / 3) {
              victim.kill();
              nodes.remove(victim);
            }
          }
          return true;
        });

    assertThat(nodes).hasSize(NODES - 1);
    // Every client that has no answer asks again, and so do those that have one.
    for (String key : keys) {
      assertThat(pay(next(), key).status()).isEqualTo(201);
    }
    assertThat(moved()).isEqualTo(keys.size());
    startNode();
  }

  private ServiceProcess next() {
    List<ServiceProcess> now = List.copyOf(nodes);
    return now.get(turn.getAndIncrement() % now.size());
  }

  private static Answer pay(ServiceProcess node, String key) {
    Service client = node.client();
    return client.send(
        client
            .request("/api/payments", "alice")
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", key)
            .POST(
                BodyPublishers.ofString(
                    "{\"from\":\"alice\",\"to\":\"bob\",\"amount\":1,"
                        + "\"currency\":\"EUR\",\"reference\":\"nodes\"}")));
  }

  /** How much has gone from alice to bob in this test. */
  private long moved() {
    return balanceOfBob() - before;
  }

  private long balanceOfBob() {
    Service any = nodes.get(0).client();
    long alice = any.get("alice", "/api/accounts/alice").json().path("balance").asLong();
    long bob = any.get("bob", "/api/accounts/bob").json().path("balance").asLong();
    assertThat(alice + bob).isEqualTo(2 * LedgerSchema.OPENING_BALANCE);
    return bob;
  }

  private static boolean isReplayed(Answer answer) {
    return answer.header("Idempotent-Replayed").equals("true");
  }

  private static String key() {
    return UUID.randomUUID().toString();
  }
}
