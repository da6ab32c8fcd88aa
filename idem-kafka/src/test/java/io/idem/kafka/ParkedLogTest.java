package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.Idempotency;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.MockShareConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** What the log says about records that are parked: which ones, once, and nothing of them. */
class ParkedLogTest {

  private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.kafka");
  private final ListAppender<ILoggingEvent> log = new ListAppender<>();
  private final String topic = "payments-" + UUID.randomUUID();
  private final Idempotency engine = Idempotency.inMemory();
  private final List<Long> parked = new ArrayList<>();
  private final Inbox<ConsumerRecord<String, String>> inbox =
      Inbox.<ConsumerRecord<String, String>>builder(engine, "book", KafkaMessages.reader())
          .consumerGroup("accounting")
          .operation(operation -> operation.releaseOn(IllegalStateException.class))
          .build();

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
  void aConsumerNamesWhatItParks() {
    MockConsumer<String, String> polled = new MockConsumer<>("earliest");
    TopicPartition partition = new TopicPartition(topic, 0);
    polled.assign(List.of(partition));
    polled.updateBeginningOffsets(Map.of(partition, 0L));
    polled.addRecord(record(0, null));
    polled.addRecord(record(1, "key-1"));
    InboxConsumer<String, String> consumer =
        new InboxConsumer<>(polled, inbox, (record, why) -> parked.add(record.offset()))
            .onFailure(1, Duration.ZERO);

    consumer.pollEach(
        Duration.ZERO,
        (record, attempt) -> {
          throw new IllegalStateException("no");
        });

    assertParkedWereTold();
  }

  @Test
  void aShareConsumerNamesWhatItParks() {
    MockShareConsumer<String, String> polled = new MockShareConsumer<>();
    polled.subscribe(List.of(topic));
    polled.addRecord(record(0, null));
    polled.addRecord(record(1, "key-1"));
    InboxShareConsumer<String, String> consumer =
        new InboxShareConsumer<>(polled, inbox, (record, why) -> parked.add(record.offset()))
            .deliveries(1);

    consumer.pollEach(
        Duration.ZERO,
        (record, attempt) -> {
          throw new IllegalStateException("no");
        });

    assertParkedWereTold();
  }

  private void assertParkedWereTold() {
    assertThat(parked).containsExactly(0L, 1L);
    List<ILoggingEvent> told =
        log.list.stream()
            .filter(event -> event.getFormattedMessage().contains("is parked"))
            .filter(event -> event.getFormattedMessage().contains(topic))
            .toList();
    assertThat(told)
        .extracting(ILoggingEvent::getFormattedMessage)
        .satisfiesExactly(
            keyless ->
                assertThat(keyless)
                    .startsWith(
                        "Message %s-0@0 of %s cannot be consumed by accounting, and is parked: "
                            .formatted(topic, topic))
                    .endsWith(" (NO_KEY)"),
            failed ->
                assertThat(failed)
                    .startsWith(
                        "Message %s-0@1 of %s cannot be consumed by accounting, and is parked: "
                            .formatted(topic, topic))
                    .contains("Its handler failed")
                    .doesNotContain("key-1", "body"));
    assertThat(told).allMatch(event -> event.getLevel() == Level.WARN);
    assertThat(told.get(1).getThrowableProxy().getMessage()).isEqualTo("no");
  }

  private ConsumerRecord<String, String> record(long offset, String id) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>(topic, 0, offset, null, "body");
    if (id != null) {
      record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    }
    return record;
  }
}
