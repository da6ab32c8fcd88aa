package io.idem.kafka;

import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumes what a consumer of a share group (KIP-932) polls, each record once.
 *
 * <ol>
 *   <li>Each record goes through the inbox by itself: a share group has no order.
 *   <li>What is done is accepted. What can never be consumed is parked, then rejected.
 *   <li>A record that is being consumed elsewhere is asked for again, after the others of the poll,
 *       for as long as its lock allows, and then released. The broker counts that as a delivery,
 *       and drops a record at the last one it allows. So there, a record that is still busy is
 *       parked.
 *   <li>A record whose handler fails is released, and at its last delivery parked.
 *   <li>A record that cannot be parked at its last delivery is kept: its lock is renewed, and it is
 *       polled again (KIP-1222, from Kafka 4.2 on; an older broker drops it when the lock ends).
 * </ol>
 *
 * <p>With the broker's defaults (5 deliveries, a lock of 30 seconds) a record waits for 100 seconds
 * until it is parked: longer than a lease of 30 seconds that a crashed owner left behind. Not
 * thread-safe, like the consumer, which stays the caller's to subscribe and close.
 *
 * @param <K> the type of the records' keys
 * @param <V> the type of their values
 */
public final class InboxShareConsumer<K, V> {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");
  private static final long LEAST_PAUSE_NANOS = 1_000_000;

  private final ShareConsumer<K, V> consumer;
  private final Inbox<ConsumerRecord<K, V>> inbox;
  private final ParkedRecords<K, V> parked;
  private int deliveries = 5;
  private Duration lock = Duration.ofSeconds(30);
  private boolean renewed;

  /**
   * Creates a consumer of a consumer.
   *
   * @param consumer subscribed by the caller, with {@code share.acknowledgement.mode=explicit}
   * @param inbox the inbox; its consumer group is the share group
   * @param parked where records go that cannot be consumed
   */
  public InboxShareConsumer(
      ShareConsumer<K, V> consumer, Inbox<ConsumerRecord<K, V>> inbox, ParkedRecords<K, V> parked) {
    this.consumer = consumer;
    this.inbox = inbox;
    this.parked = parked;
  }

  /**
   * How often the broker delivers a record before it drops it.
   *
   * @param deliveries the broker's {@code group.share.delivery.count.limit}; at least 1, 5 by
   *     default
   * @return this
   * @throws IllegalArgumentException if it is less
   */
  public InboxShareConsumer<K, V> deliveries(int deliveries) {
    if (deliveries < 1) {
      throw new IllegalArgumentException(
          "A record is delivered at least once, found " + deliveries);
    }
    this.deliveries = deliveries;
    return this;
  }

  /**
   * How long the broker locks a record for this consumer, if the broker does not tell.
   *
   * @param lock the broker's {@code group.share.record.lock.duration.ms}; 30 seconds by default
   * @return this
   */
  public InboxShareConsumer<K, V> lock(Duration lock) {
    this.lock = lock;
    return this;
  }

  /**
   * Polls once and consumes what there is.
   *
   * @param timeout how long to wait for records
   * @param handler what must take effect once for each
   * @param <X> what the handler throws; it is not thrown to the caller, but the record released
   * @return how many records were polled
   * @throws org.apache.kafka.common.KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollEach(
      Duration timeout, MessageHandler<? super ConsumerRecord<K, V>, X> handler) {
    ConsumerRecords<K, V> records = consumer.poll(timeout);
    if (records.isEmpty()) {
      return 0;
    }
    long start = System.nanoTime();
    long waitNanos =
        consumer.acquisitionLockTimeoutMs().map(Duration::ofMillis).orElse(lock).toNanos() * 2 / 3;
    Deque<ConsumerRecord<K, V>> left = new ArrayDeque<>();
    records.forEach(left::add);
    int untilPause = left.size();
    while (!left.isEmpty()) {
      ConsumerRecord<K, V> record = left.removeFirst();
      Duration again = tried(record, handler, System.nanoTime() - start < waitNanos);
      if (again != null) {
        left.addLast(record);
      }
      if (--untilPause <= 0 && !left.isEmpty()) {
        untilPause = left.size();
        pause(again, start + waitNanos - System.nanoTime());
      }
    }
    consumer.commitSync();
    if (renewed) {
      renewed = false;
      LockSupport.parkNanos(inbox.operation().retryAfter().toNanos());
    }
    return records.count();
  }

  /** When to try again; null if the record is acknowledged. */
  private <X extends Exception> @Nullable Duration tried(
      ConsumerRecord<K, V> record,
      MessageHandler<? super ConsumerRecord<K, V>, X> handler,
      boolean mayWait) {
    DeliveryDecision decision;
    try {
      decision = inbox.consume(record, handler);
    } catch (StoreUnavailableException e) {
      log.warn("A record is delivered again, because the store cannot answer", e);
      decision = new DeliveryDecision.RedeliverLater(inbox.operation().retryAfter());
    } catch (Exception e) {
      log.warn(
          "The handler failed for the record at {}@{}",
          KafkaMessages.partitionOf(record),
          record.offset(),
          e);
      releaseOrPark(record, new ParkedRecords.Why(null, "Its handler failed", e));
      return null;
    }
    if (decision.isDone()) {
      consumer.acknowledge(record, AcknowledgeType.ACCEPT);
    } else if (decision instanceof DeliveryDecision.Park park) {
      park(record, ParkedRecords.Why.of(park));
    } else if (decision instanceof DeliveryDecision.RedeliverLater later) {
      if (mayWait && !Thread.currentThread().isInterrupted()) {
        return later.delay();
      }
      releaseOrPark(
          record,
          new ParkedRecords.Why(
              null, "It was still being consumed elsewhere at its last delivery", null));
    }
    return null;
  }

  private void releaseOrPark(ConsumerRecord<K, V> record, ParkedRecords.Why why) {
    if (!isLast(record)) {
      consumer.acknowledge(record, AcknowledgeType.RELEASE);
    } else {
      park(record, why);
    }
  }

  private void park(ConsumerRecord<K, V> record, ParkedRecords.Why why) {
    try {
      parked.park(record, why);
      consumer.acknowledge(record, AcknowledgeType.REJECT);
      why.tell(log, record, inbox.consumerGroup());
    } catch (RuntimeException e) {
      log.error(
          "The record at {}@{} could not be parked, and is delivered again ({})",
          KafkaMessages.partitionOf(record),
          record.offset(),
          why.detail(),
          e);
      if (isLast(record)) {
        renewed = true; // released, it would be dropped; the client delivers it once more
        consumer.acknowledge(record, AcknowledgeType.RENEW);
      } else {
        consumer.acknowledge(record, AcknowledgeType.RELEASE);
      }
    }
  }

  private boolean isLast(ConsumerRecord<K, V> record) {
    return record.deliveryCount().map(Short::intValue).orElse(1) >= deliveries;
  }

  private static void pause(@Nullable Duration wanted, long leftNanos) {
    long nanos = wanted == null ? LEAST_PAUSE_NANOS : wanted.toNanos();
    LockSupport.parkNanos(Math.max(LEAST_PAUSE_NANOS, Math.min(nanos, leftNanos)));
  }
}
