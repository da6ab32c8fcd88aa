package io.idem.kafka;

import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.jspecify.annotations.Nullable;

/** Kafka's records as messages: how they are read, and how they are given an id. */
public final class KafkaMessages {

  private static final MessageReader<ConsumerRecord<?, ?>> READER =
      new MessageReader<>() {
        @Override
        public byte @Nullable [] header(ConsumerRecord<?, ?> record, String name) {
          Header header = record.headers().lastHeader(name);
          return header == null ? null : header.value();
        }

        @Override
        public @Nullable String messageId(ConsumerRecord<?, ?> record) {
          return null;
        }

        @Override
        public @Nullable Object payload(ConsumerRecord<?, ?> record) {
          return record.value();
        }
      };

  private KafkaMessages() {}

  /**
   * How records are read: the last header of a name counts, and there is no message id, because an
   * offset is another one for a record that was sent again.
   *
   * @return the reader; thread-safe
   */
  public static MessageReader<ConsumerRecord<?, ?>> reader() {
    return READER;
  }

  /**
   * Starts the inbox of a consumer group, with an operation of its own. Records of a partition do
   * not overtake each other.
   *
   * @param engine the engine
   * @param operation the operation's name; 1 to 200 characters
   * @param groupId the consumer's {@code group.id}
   * @param <K> the type of the records' keys, which are no idempotency keys
   * @param <V> the type of their values
   * @return a builder
   */
  public static <K, V> Inbox.Builder<ConsumerRecord<K, V>> inbox(
      Idempotency engine, String operation, String groupId) {
    return ofGroup(Inbox.builder(engine, operation, READER), groupId);
  }

  /**
   * Starts the inbox of a consumer group, on an operation that is there.
   *
   * @param operation the operation
   * @param groupId the consumer's {@code group.id}
   * @param <K> the type of the records' keys
   * @param <V> the type of their values
   * @return a builder
   */
  public static <K, V> Inbox.Builder<ConsumerRecord<K, V>> inbox(
      Operation<@Nullable Void> operation, String groupId) {
    return ofGroup(Inbox.builder(operation, READER), groupId);
  }

  private static <K, V> Inbox.Builder<ConsumerRecord<K, V>> ofGroup(
      Inbox.Builder<ConsumerRecord<K, V>> inbox, String groupId) {
    return inbox.consumerGroup(groupId).inOrderOf(KafkaMessages::partitionOf);
  }

  /**
   * The partition of a record.
   *
   * @param record the record
   * @return topic and partition
   */
  public static TopicPartition partitionOf(ConsumerRecord<?, ?> record) {
    return new TopicPartition(record.topic(), record.partition());
  }

  /**
   * Gives a record that is to be sent the id that makes a resend recognisable, in the header
   * {@value MessageIds#HEADER}.
   *
   * @param record the record, which is changed
   * @param id such as {@link MessageIds#of} derives from a business key, or {@link
   *     io.idem.core.Attempt#outgoingKey} inside of a consumer; not empty
   * @param <K> the type of its key
   * @param <V> the type of its value
   * @return the record
   * @throws IllegalArgumentException if the id is empty or no valid Unicode, or the record has
   *     another one already
   * @throws IllegalStateException if the record has been sent
   */
  public static <K, V> ProducerRecord<K, V> stamp(ProducerRecord<K, V> record, String id) {
    Objects.requireNonNull(record, "record");
    MessageIds.requireSendable(id);
    byte[] value = id.getBytes(StandardCharsets.UTF_8);
    Header there = record.headers().lastHeader(MessageIds.HEADER);
    if (there == null) {
      record.headers().add(MessageIds.HEADER, value);
    } else if (!Arrays.equals(there.value(), value)) {
      throw new IllegalArgumentException(
          "The record for topic '"
              + record.topic()
              + "' has another id in its header '"
              + MessageIds.HEADER
              + "': a message has one");
    }
    return record;
  }
}
