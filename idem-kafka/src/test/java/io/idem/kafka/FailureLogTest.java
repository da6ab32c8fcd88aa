package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageFailedException;
import io.idem.messaging.MessageIds;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** A failure that does not count, because an earlier record is read again first, is told. */
class FailureLogTest {

  private final String topic = "payments-" + UUID.randomUUID();

  @Test
  void aFailureBehindABusyRecordIsTold() {
    MockConsumer<String, String> polled = new MockConsumer<>("earliest");
    TopicPartition partition = new TopicPartition(topic, 0);
    polled.assign(List.of(partition));
    polled.updateBeginningOffsets(Map.of(partition, 0L));
    ConsumerRecord<String, String> busy = record(0, "busy");
    polled.addRecord(busy);
    polled.addRecord(record(1, "fails"));

    try (Idempotency engine = Idempotency.inMemory();
        Logged log = new Logged()) {
      Inbox<ConsumerRecord<String, String>> inbox =
          Inbox.<ConsumerRecord<String, String>>builder(engine, "book", KafkaMessages.reader())
              .consumerGroup("accounting")
              .operation(
                  operation ->
                      operation
                          .releaseOn(IllegalStateException.class)
                          .waitAtMost(Duration.ofMillis(100)))
              .build();
      InboxConsumer<String, String> consumer =
          new InboxConsumer<>(
              polled,
              inbox,
              (record, why) -> {
                throw new AssertionError("Nothing is to be parked, found " + record);
              });

      inbox.consume(
          busy,
          (record, attempt) ->
              CompletableFuture.runAsync(
                      () ->
                          consumer.pollAll(
                              Duration.ZERO,
                              fresh -> {
                                throw new MessageFailedException(
                                    fresh.get(0), new IllegalStateException("no room"));
                              }))
                  .join());

      assertThat(polled.position(partition)).isZero();
      assertThat(log.warnings(topic + "-0@1"))
          .singleElement()
          .satisfies(
              told -> {
                assertThat(told.getFormattedMessage()).contains("behind one that is read again");
                assertThat(told.getThrowableProxy().getMessage()).isEqualTo("no room");
              });
    }
  }

  private ConsumerRecord<String, String> record(long offset, String id) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>(topic, 0, offset, null, "body");
    record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    return record;
  }
}
