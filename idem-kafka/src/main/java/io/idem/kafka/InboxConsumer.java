package io.idem.kafka;

import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.FailureLimit;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumes what a Kafka consumer polls, each record once.
 *
 * <pre>{@code
 * try (Consumer<String, byte[]> consumer = new KafkaConsumer<>(settings)) { // enable.auto.commit=false
 *   consumer.subscribe(List.of("payments"));
 *   InboxConsumer<String, byte[]> payments = new InboxConsumer<>(consumer, inbox, deadLetters);
 *   while (running) {
 *     payments.pollEach(Duration.ofSeconds(1), (record, attempt) -> book(record.value(), attempt));
 *   }
 * }
 * }</pre>
 *
 * <ol>
 *   <li>The records of a poll go through the inbox together.
 *   <li>What can never be consumed is parked.
 *   <li>In each partition, offsets are committed up to the first record that is not done. From
 *       there it is read again: after a pause, during which polling goes on and the group is kept,
 *       if the record is being consumed elsewhere, or its handler failed.
 *   <li>A record whose handler has failed as often as allowed is parked. That it was busy does not
 *       count, and neither does a store that cannot answer.
 * </ol>
 *
 * <p>A commit that fails because the partitions are somebody else's by now harms nothing: the inbox
 * knows what is done. Not thread-safe, like the consumer, which stays the caller's to subscribe and
 * close.
 *
 * @param <K> the type of the records' keys
 * @param <V> the type of their values
 */
public final class InboxConsumer<K, V> {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final Consumer<K, V> consumer;
  private final Inbox<ConsumerRecord<K, V>> inbox;
  private final ParkedRecords<K, V> parked;
  private final Map<TopicPartition, Long> resumeNanos = new HashMap<>();
  private final Map<TopicPartition, Failures> failures = new HashMap<>();
  private FailureLimit failureLimit = FailureLimit.DEFAULT;

  /** How often the handler failed for the record at an offset. */
  private record Failures(long offset, int count) {}

  /**
   * Creates a consumer of a consumer.
   *
   * @param consumer subscribed or assigned by the caller, with {@code enable.auto.commit=false}: a
   *     commit by the client's clock would lose what is not done
   * @param inbox the inbox, such as {@link KafkaMessages#inbox} begins it
   * @param parked where records go that cannot be consumed
   */
  public InboxConsumer(
      Consumer<K, V> consumer, Inbox<ConsumerRecord<K, V>> inbox, ParkedRecords<K, V> parked) {
    this.consumer = consumer;
    this.inbox = inbox;
    this.parked = parked;
  }

  /**
   * What happens when the handler fails.
   *
   * @param maxFailures how often it may for one record, on this consumer, before the record is
   *     parked; at least 1, 10 by default
   * @param delay how long to wait in between; 1 second by default
   * @return this
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public InboxConsumer<K, V> onFailure(int maxFailures, Duration delay) {
    this.failureLimit = new FailureLimit(maxFailures, delay);
    return this;
  }

  /**
   * Polls once and consumes what there is, one record after the other.
   *
   * @param timeout how long to wait for records
   * @param handler what must take effect once for each
   * @param <X> what the handler throws; it is not thrown to the caller, but the record read again
   * @return how many records were polled
   * @throws X what the handler threw inside of a transaction of the caller's
   * @throws org.apache.kafka.common.KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollEach(
      Duration timeout, MessageHandler<? super ConsumerRecord<K, V>, X> handler) throws X {
    return poll(timeout, records -> inbox.consumeEach(records, handler));
  }

  /**
   * Polls once and consumes what there is in one call of the handler.
   *
   * @param timeout how long to wait for records
   * @param handler what must take effect once for each
   * @param <X> what the handler throws; it is not thrown to the caller, but the record read again
   * @return how many records were polled
   * @throws X what the handler threw in leased mode without a place ({@link
   *     io.idem.messaging.MessageFailedException}), where it is the failure of all of them, or
   *     inside of a transaction of the caller's
   * @throws org.apache.kafka.common.KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollAll(
      Duration timeout, BatchHandler<ConsumerRecord<K, V>, X> handler) throws X {
    return poll(timeout, records -> inbox.consumeAll(records, handler));
  }

  private <X extends Exception> int poll(Duration timeout, Consuming<K, V, X> consuming) throws X {
    Duration wait = resumeWhatIsDue(timeout);
    ConsumerRecords<K, V> polled = consumer.poll(wait);
    List<ConsumerRecord<K, V>> records = new ArrayList<>(polled.count());
    polled.forEach(records::add);
    if (records.isEmpty()) {
      return 0;
    }
    BatchOutcome outcome = null;
    try {
      outcome = consuming.consume(records);
    } catch (StoreUnavailableException e) {
      log.warn("{} records are read again, because the store cannot answer", records.size(), e);
    } catch (Exception | Error e) {
      try {
        settle(records, null);
      } catch (RuntimeException another) {
        e.addSuppressed(another); // such as of a consumer that is closed
      }
      throw e;
    }
    settle(records, outcome);
    return records.size();
  }

  /** Commits what is done, and goes back to what is not. */
  private void settle(List<ConsumerRecord<K, V>> records, @Nullable BatchOutcome outcome) {
    Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
    Map<TopicPartition, Again> again = new HashMap<>();
    for (int i = 0; i < records.size(); i++) {
      ConsumerRecord<K, V> record = records.get(i);
      TopicPartition partition = KafkaMessages.partitionOf(record);
      if (again.containsKey(partition)) {
        BatchOutcome.Failure behind = outcome == null ? null : outcome.failure();
        if (behind != null && behind.index() == i) {
          log.warn(
              "The handler failed for the record at {}@{}, behind one that is read again first",
              partition,
              record.offset(),
              behind.cause());
        }
        continue;
      }
      Duration delay = outcome == null ? failureLimit.delay() : delayOf(record, i, outcome);
      if (delay == null) {
        done.put(partition, new OffsetAndMetadata(record.offset() + 1, record.leaderEpoch(), ""));
      } else {
        again.put(partition, new Again(record.offset(), delay));
      }
    }
    again.forEach(this::goBack);
    commit(done);
  }

  /** When to read the record again; null if it is done or parked. */
  private @Nullable Duration delayOf(ConsumerRecord<K, V> record, int index, BatchOutcome outcome) {
    BatchOutcome.Failure failure = outcome.failure();
    if (failure != null && failure.index() == index) {
      return failed(record, failure.cause());
    } else if (index >= outcome.decisions().size()) {
      return Duration.ZERO;
    }
    return outcome
        .decisions()
        .get(index)
        .<@Nullable Duration>fold(
            ran -> null,
            skip -> null,
            DeliveryDecision.RedeliverLater::delay,
            park -> park(record, ParkedRecords.Why.of(park)));
  }

  private @Nullable Duration failed(ConsumerRecord<K, V> record, Exception cause) {
    if (cause instanceof StoreUnavailableException) {
      log.warn("Records are read again, because the store cannot answer", cause);
      return failureLimit.delay();
    }
    TopicPartition partition = KafkaMessages.partitionOf(record);
    Failures before = failures.get(partition);
    int count = before != null && before.offset == record.offset() ? before.count + 1 : 1;
    failures.put(partition, new Failures(record.offset(), count));
    if (count < failureLimit.mostFailures()) {
      log.warn(
          "The handler failed for the record at {}@{}, which is read again ({} of {})",
          partition,
          record.offset(),
          count,
          failureLimit.mostFailures(),
          cause);
      return failureLimit.delay();
    }
    return park(
        record, new ParkedRecords.Why(null, "Its handler failed " + count + " times", cause));
  }

  private @Nullable Duration park(ConsumerRecord<K, V> record, ParkedRecords.Why why) {
    try {
      parked.park(record, why);
    } catch (RuntimeException e) {
      log.error(
          "The record at {}@{} could not be parked, and is read again ({})",
          KafkaMessages.partitionOf(record),
          record.offset(),
          why.detail(),
          e);
      return failureLimit.delay();
    }
    why.tell(log, record, inbox.consumerGroup());
    return null;
  }

  private void goBack(TopicPartition partition, Again again) {
    if (!consumer.assignment().contains(partition)) {
      return; // somebody else reads it
    }
    consumer.seek(partition, again.offset);
    if (!again.delay.isZero()) {
      consumer.pause(Set.of(partition));
      resumeNanos.put(partition, System.nanoTime() + again.delay.toNanos());
    }
  }

  private void commit(Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.keySet().retainAll(consumer.assignment());
    if (offsets.isEmpty()) {
      return;
    }
    try {
      consumer.commitSync(offsets);
    } catch (CommitFailedException | RebalanceInProgressException e) {
      log.info(
          "Offsets were not committed, because partitions are moving: what was consumed is"
              + " delivered again, and skipped",
          e);
    }
  }

  /** How long to poll: until the next partition is due. */
  private Duration resumeWhatIsDue(Duration timeout) {
    long now = System.nanoTime();
    long nanos = timeout.toNanos();
    resumeNanos.keySet().retainAll(consumer.assignment());
    for (TopicPartition partition : List.copyOf(resumeNanos.keySet())) {
      long left = resumeNanos.getOrDefault(partition, now) - now;
      if (left <= 0) {
        consumer.resume(Set.of(partition));
        resumeNanos.remove(partition);
      } else {
        nanos = Math.min(nanos, left);
      }
    }
    return Duration.ofNanos(nanos);
  }

  /** Where a partition is read again, and when. */
  private record Again(long offset, Duration delay) {}

  /** How the records of a poll go through the inbox. */
  private interface Consuming<K, V, X extends Exception> {
    BatchOutcome consume(List<ConsumerRecord<K, V>> records) throws X;
  }
}
