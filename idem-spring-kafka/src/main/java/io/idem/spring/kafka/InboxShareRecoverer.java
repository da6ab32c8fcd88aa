package io.idem.spring.kafka;

import io.idem.kafka.KafkaMessages;
import io.idem.messaging.DeliveryParkedException;
import java.time.Duration;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.listener.ConsumerRecordRecoverer;
import org.springframework.kafka.listener.ShareConsumerRecordRecoverer;

/**
 * Says what becomes of a record of a share group (KIP-932) that an {@code @Idempotent} listener did
 * not consume.
 *
 * <ul>
 *   <li>A record that is being consumed elsewhere, or that the store cannot answer for, is
 *       released. The broker counts that as a delivery, and drops a record that it has delivered as
 *       often as it allows: at its last delivery the record is kept, then rejected.
 *   <li>A record that can never be consumed is kept at once, then rejected.
 *   <li>What a record becomes whose listener has failed, says the recoverer behind this one; of
 *       {@link #keepingIn} it is released until its last delivery, then kept and rejected.
 * </ul>
 *
 * <p>What could not be kept is released. At its last delivery the broker then drops it, because a
 * container has no way to hold it: an error is logged, and a recoverer should try by itself again.
 * Settings are made before the container starts; after that it is thread-safe.
 */
public final class InboxShareRecoverer implements ShareConsumerRecordRecoverer {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final ShareConsumerRecordRecoverer failures;
  private final ConsumerRecordRecoverer keeping;
  private int deliveries = 5;
  private Duration lock = Duration.ofSeconds(30);

  /**
   * Creates a recoverer before another.
   *
   * @param failures says what becomes of failures; of what can never be consumed it is told, and
   *     what it says of that does not count: it is rejected, or released if this throws
   */
  public InboxShareRecoverer(ShareConsumerRecordRecoverer failures) {
    this.failures = failures;
    this.keeping = failures::recover;
  }

  private InboxShareRecoverer(ConsumerRecordRecoverer keeping) {
    this.keeping = keeping;
    this.failures =
        (record, thrown) -> isLast(record) ? kept(record, thrown) : AcknowledgeType.RELEASE;
  }

  /**
   * A recoverer that has a record whose listener fails delivered as often as the broker allows.
   *
   * @param deadLetters keeps what cannot be consumed, such as a {@link
   *     org.springframework.kafka.listener.DeadLetterPublishingRecoverer}; it is durable when this
   *     returns
   * @return the recoverer
   */
  public static InboxShareRecoverer keepingIn(ConsumerRecordRecoverer deadLetters) {
    return new InboxShareRecoverer(deadLetters);
  }

  /**
   * How often the broker delivers a record before it drops it.
   *
   * @param deliveries the broker's {@code group.share.delivery.count.limit}; at least 1, 5 by
   *     default
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public InboxShareRecoverer deliveries(int deliveries) {
    if (deliveries < 1) {
      throw new IllegalArgumentException(
          "A broker delivers a record once or more often, found " + deliveries);
    }
    this.deliveries = deliveries;
    return this;
  }

  /**
   * How long the broker locks records for a consumer, if it does not tell: for two thirds of that a
   * record that is busy is held.
   *
   * @param lock the broker's {@code group.share.record.lock.duration.ms}; 30 seconds by default
   * @return this
   */
  public InboxShareRecoverer lock(Duration lock) {
    this.lock = lock;
    return this;
  }

  Duration lock() {
    return lock;
  }

  /** Whether what is kept and what fails is logged, and nothing else. */
  boolean onlyLogs() {
    return failures == REJECTING || failures == RELEASING;
  }

  @Override
  public AcknowledgeType recover(ConsumerRecord<?, ?> record, Exception thrown) {
    if (InboxErrorHandler.delay(thrown) != null) {
      return isLast(record) ? kept(record, thrown) : AcknowledgeType.RELEASE;
    }
    return isParked(thrown) ? kept(record, thrown) : failures.recover(record, thrown);
  }

  private boolean isLast(ConsumerRecord<?, ?> record) {
    return record.deliveryCount().map(Short::intValue).orElse(1) >= deliveries;
  }

  private AcknowledgeType kept(ConsumerRecord<?, ?> record, Exception thrown) {
    try {
      keeping.accept(record, thrown);
      return AcknowledgeType.REJECT;
    } catch (RuntimeException e) {
      log.error(
          "The record at {}@{} could not be kept ({}), and is {}",
          KafkaMessages.partitionOf(record),
          record.offset(),
          thrown.getClass().getName(),
          isLast(record) ? "dropped by the broker: it is lost" : "delivered again",
          e);
      return AcknowledgeType.RELEASE;
    }
  }

  private static boolean isParked(Exception thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof DeliveryParkedException) {
        return true;
      }
    }
    return false;
  }
}
