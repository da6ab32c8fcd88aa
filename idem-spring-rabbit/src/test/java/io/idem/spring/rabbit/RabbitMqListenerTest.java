package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.testkit.TestPostgres;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageListenerContainer;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;

/** Listeners on quorum queues of a real RabbitMQ, with an inbox in PostgreSQL. */
class RabbitMqListenerTest extends RabbitListenerContract {

  @Override
  CachingConnectionFactory connections() throws Exception {
    return Broker.rabbitMq().connectionFactory();
  }

  /** What comes back more than once is dropped. */
  @Override
  Map<String, Object> arguments() {
    return Map.of(
        "x-queue-type",
        "quorum",
        "x-delivery-limit",
        1,
        "x-dead-letter-exchange",
        "",
        "x-dead-letter-routing-key",
        queue("dead"));
  }

  @Override
  DataSource newDatabase() {
    return TestPostgres.shared().newDatabase();
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "direct", "many", "managed", "managedDirect"})
  void poisonIsDeadLetteredAndTheRestIsConsumed(String listener) throws Exception {
    MessageListenerContainer container = container(listener);
    stop(container);
    send(listener, "p1", "a");
    send(listener, null, "no key");
    send(listener, "p1", "another");
    send(listener, "p2", "bad");
    send(listener, "p3", "c");
    send(listener, null, "no key at the end");
    container.start();

    Together.await("four dead letters", () -> messages("dead") == 4);
    List<String> dead = Stream.generate(this::takeDead).limit(4).toList();
    awaitEffects(2, listener);

    assertThat(dead).containsExactlyInAnyOrder("no key", "another", "bad", "no key at the end");
    assertThat(effects.all()).containsExactly("a", "c");
    assertThat(messages("dead")).isZero();
  }

  @Test
  void aMessageOfABatchThatCannotBeConvertedIsNotTakenForConsumed() throws Exception {
    MessageListenerContainer container = container("many");
    stop(container);
    send("many", "1", "a");
    Message garbage = message("2", "garbage");
    garbage.getMessageProperties().setContentType(MessageProperties.CONTENT_TYPE_SERIALIZED_OBJECT);
    template.send("", queue("many"), garbage);
    send("many", "3", "c");
    container.start();
    awaitEffects(2, "many");
    Together.await("a dead letter", () -> messages("dead") == 1);
    assertThat(takeDead()).isEqualTo("garbage");

    send("many", "2", "mended");

    awaitEffects(3, "many");
    assertThat(effects.all()).containsExactly("a", "c", "mended");
  }

  @Test
  void aBatchWhoseContainerRequeuesNothingLosesOnlyWhatFails() throws Exception {
    MessageListenerContainer container = container("final");
    stop(container);
    send("final", "f1", "a");
    send("final", "f2", "fails");
    send("final", "f3", "c");
    send("final", "f4", "d");
    container.start();

    awaitEffects(3, "final");
    Together.await("a dead letter", () -> messages("dead") == 1);
    assertThat(takeDead()).isEqualTo("fails");
    assertThat(effects.all()).containsExactly("a", "c", "d");
  }

  @Test
  void anErrorHandlerOfOnesOwnThatRejectsTakesNoOtherMessageAlong() throws Exception {
    MessageListenerContainer container = container("judged");
    stop(container);
    send("judged", "1", "a");
    send("judged", "2", "fails");
    send("judged", "3", "c");
    container.start();

    awaitEffects(2, "judged");
    Together.await("a dead letter", () -> messages("dead") == 1);
    assertThat(takeDead()).isEqualTo("fails");
    assertThat(effects.all()).containsExactly("a", "c");
  }

  /**
   * Why a batchSize with a listener of single messages is refused: what is done is rejected too.
   */
  @Test
  void aContainerRejectsWhatIsDoneWithWhatFailsOfItsBatchSize() throws Exception {
    String queue = queue("unprotected");
    declare("unprotected", arguments());
    send("unprotected", "1", "done");
    send("unprotected", "2", "fails");
    List<String> heard = new CopyOnWriteArrayList<>();
    SimpleMessageListenerContainer container =
        new SimpleMessageListenerContainer(template.getConnectionFactory());
    container.setQueueNames(queue);
    container.setBatchSize(2);
    container.setMessageListener(
        message -> {
          String value = new String(message.getBody(), StandardCharsets.UTF_8);
          heard.add(value);
          if (value.equals("fails")) {
            throw new AmqpRejectAndDontRequeueException("fails");
          }
        });
    container.start();
    try {
      Together.await("two dead letters", () -> messages("dead") == 2);
    } finally {
      container.stop();
    }

    assertThat(heard).containsExactly("done", "fails");
    assertThat(List.of(takeDead(), takeDead())).containsExactlyInAnyOrder("done", "fails");
  }

  private String takeDead() {
    Message message = template.receive(queue("dead"), 10_000);
    return new String(message.getBody(), StandardCharsets.UTF_8);
  }
}
