package io.idem.kafka;

import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.ParkReason;
import io.idem.messaging.ParkingLog;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Where records go that cannot be consumed, such as a dead-letter topic.
 *
 * @param <K> the type of the records' keys
 * @param <V> the type of their values
 */
@FunctionalInterface
public interface ParkedRecords<K, V> {

  /**
   * Keeps a record for a person to look at. It is durable when this returns: the record's offset is
   * committed then, and nobody sees it again.
   *
   * @param record the record
   * @param why why it cannot be consumed
   * @throws RuntimeException if it could not be kept; the record is then delivered again
   */
  void park(ConsumerRecord<K, V> record, Why why);

  /**
   * Why a record is parked: what the inbox has found, or a handler that failed too often.
   *
   * @param reason what the inbox has found; null if the handler failed
   * @param detail why, in words, without anything of the record
   * @param cause what was thrown; null if nothing
   */
  record Why(@Nullable ParkReason reason, String detail, @Nullable Exception cause) {

    static Why of(DeliveryDecision.Park park) {
      return new Why(park.reason(), park.detail(), park.cause());
    }

    /** Says in the log that a record is parked. */
    void tell(Logger log, ConsumerRecord<?, ?> record, String consumerGroup) {
      ParkingLog.parked(
          log,
          KafkaMessages.partitionOf(record) + "@" + record.offset(),
          record.topic(),
          consumerGroup,
          reason,
          detail,
          cause);
    }
  }
}
