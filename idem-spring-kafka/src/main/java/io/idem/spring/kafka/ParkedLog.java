package io.idem.spring.kafka;

import io.idem.kafka.KafkaMessages;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.Inbox;
import io.idem.messaging.ParkingLog;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says which records are left to the container's recoverer, because they cannot be consumed. */
final class ParkedLog {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private ParkedLog() {}

  /** Says it if it is decided so. */
  static void tell(DeliveryDecision decision, ConsumerRecord<?, ?> record, Inbox<?> inbox) {
    if (decision instanceof DeliveryDecision.Park park) {
      ParkingLog.parked(
          log,
          KafkaMessages.partitionOf(record) + "@" + record.offset(),
          record.topic(),
          inbox.consumerGroup(),
          park.reason(),
          park.detail(),
          park.cause());
    }
  }
}
