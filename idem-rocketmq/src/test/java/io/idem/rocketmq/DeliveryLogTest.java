package io.idem.rocketmq;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.Idempotency;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * What the log says about messages that are not consumed: which ones, and nothing that is in them.
 */
class DeliveryLogTest {

  private static final MessageHandler<MessageExt, Exception> FAILING =
      (message, attempt) -> {
        throw new IllegalStateException("no");
      };

  private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.rocketmq");
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final String topic = "payments-" + UUID.randomUUID();
  private final Idempotency engine = Idempotency.inMemory();
  private final List<String> parked = new ArrayList<>();
  private final Inbox<MessageExt> inbox =
      RocketMqMessages.inbox(engine, "book-payment", "accounting").build();
  private final InboxConsumer inboxed =
      new InboxConsumer(
          inbox,
          new DefaultMQProducer("not-started"),
          (message, why) -> parked.add(message.getMsgId()));

  @BeforeEach
  void listen() {
    logger.setLevel(Level.WARN);
    log.start();
    logger.addAppender(log);
  }

  @AfterEach
  void stopListening() {
    logger.detachAppender(log);
    logger.setLevel(null);
    engine.close();
  }

  @Test
  void aParkedMessageIsNamed() {
    assertThat(concurrently(message("id-1", "")))
        .isEqualTo(ConsumeConcurrentlyStatus.CONSUME_SUCCESS);
    assertThat(orderly(message("id-2", ""))).isEqualTo(ConsumeOrderlyStatus.SUCCESS);

    assertThat(parked).containsExactly("id-1", "id-2");
    assertThat(told())
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .startsWith("Message id-1 of " + topic + " cannot be consumed by accounting,")
                    .contains(" and is parked: ", "(NO_KEY)"),
            second -> assertThat(second).contains("id-2", topic, "accounting", "NO_KEY"));
  }

  @Test
  void aFailedMessageIsNamed() {
    assertThat(concurrently(message("id-1", "key-1")))
        .isEqualTo(ConsumeConcurrentlyStatus.RECONSUME_LATER);
    assertThat(orderly(message("id-2", "key-2")))
        .isEqualTo(ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT);

    assertThat(parked).isEmpty();
    assertThat(told())
        .satisfiesExactly(
            first ->
                assertThat(first)
                    .contains("id-1", topic, "accounting", "handed back")
                    .doesNotContain("key-1", "body"),
            second ->
                assertThat(second)
                    .contains("id-2", topic, "accounting", "its queue waits")
                    .doesNotContain("key-2", "body"));
  }

  private ConsumeConcurrentlyStatus concurrently(MessageExt message) {
    return inboxed
        .concurrently(FAILING)
        .consumeMessage(List.of(message), new ConsumeConcurrentlyContext(new MessageQueue()));
  }

  private ConsumeOrderlyStatus orderly(MessageExt message) {
    return inboxed
        .orderly(FAILING)
        .consumeMessage(List.of(message), new ConsumeOrderlyContext(new MessageQueue()));
  }

  /** About this test's messages: others, of classes that run at the same time, may be there. */
  private List<String> told() {
    synchronized (log) { // as appending is
      return log.list.stream()
          .map(ILoggingEvent::getFormattedMessage)
          .filter(text -> text.contains(topic))
          .toList();
    }
  }

  private MessageExt message(String id, String key) {
    MessageExt message = new MessageExt();
    message.setTopic(topic);
    message.setMsgId(id);
    message.setBody("body".getBytes(StandardCharsets.UTF_8));
    message.setKeys(key);
    return message;
  }
}
