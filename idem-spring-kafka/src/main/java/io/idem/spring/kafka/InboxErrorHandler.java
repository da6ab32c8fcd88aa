package io.idem.spring.kafka;

import io.idem.core.KeyBusyException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.DeliveryBusyException;
import io.idem.messaging.DeliveryParkedException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.springframework.core.log.LogAccessor;
import org.springframework.kafka.KafkaException;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.CommonErrorHandler;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.ExceptionClassifier;
import org.springframework.kafka.listener.ListenerUtils;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.listener.SeekUtils;
import org.springframework.kafka.support.TopicPartitionOffset;

/**
 * Handles what a listener behind {@link InboxAdvice} throws.
 *
 * <ul>
 *   <li>A record that is being consumed elsewhere, or that the store cannot answer for, is read
 *       again until it is not, after the time that the inbox suggests. The error handler behind
 *       this one is not told, so that its retries and its recovery are left for failures.
 *   <li>A record that can never be consumed is recovered at once.
 *   <li>Everything else is handled by the error handler behind this one.
 * </ul>
 *
 * <p>While it waits, the container's thread polls nothing, at most 5 seconds at a time, which has
 * to be less than {@code max.poll.interval.ms}. Not for containers with a Kafka transaction
 * manager, which handle failures elsewhere. Thread-safe.
 */
public final class InboxErrorHandler implements CommonErrorHandler {

  private static final Duration STORE_DELAY = Duration.ofSeconds(1);
  private static final long MAX_DELAY_MILLIS = 5_000;

  private final LogAccessor logger = new LogAccessor("io.idem.kafka");
  private final CommonErrorHandler failures;

  /** Creates a handler before a {@link DefaultErrorHandler} with its default settings. */
  public InboxErrorHandler() {
    this(new DefaultErrorHandler());
  }

  /**
   * Creates a handler.
   *
   * @param failures handles failures; what is an {@link ExceptionClassifier}, such as {@link
   *     DefaultErrorHandler}, is told not to retry what can never be consumed
   */
  public InboxErrorHandler(CommonErrorHandler failures) {
    this.failures = failures;
    if (failures instanceof ExceptionClassifier classifier) {
      classifier.addNotRetryableExceptions(DeliveryParkedException.class);
    }
  }

  @Override
  public boolean handleOne(
      Exception thrown,
      ConsumerRecord<?, ?> record,
      Consumer<?, ?> consumer,
      MessageListenerContainer container) {
    Duration delay = delay(thrown);
    if (delay == null) {
      return failures.handleOne(thrown, record, consumer, container);
    }
    pause(container, delay);
    return false;
  }

  @Override
  public void handleRemaining(
      Exception thrown,
      List<ConsumerRecord<?, ?>> records,
      Consumer<?, ?> consumer,
      MessageListenerContainer container) {
    Duration delay = delay(thrown);
    if (delay == null) {
      failures.handleRemaining(thrown, records, consumer, container);
      return;
    }
    again(thrown, records, consumer, container, delay);
  }

  @Override
  public void handleBatch(
      Exception thrown,
      ConsumerRecords<?, ?> data,
      Consumer<?, ?> consumer,
      MessageListenerContainer container,
      Runnable invokeListener) {
    Duration delay = delay(thrown);
    if (delay == null) {
      failures.handleBatch(thrown, data, consumer, container, invokeListener);
      return;
    }
    again(thrown, commitBefore(thrown, data, consumer, container), consumer, container, delay);
  }

  @Override
  @SuppressWarnings("unchecked") // the records are the container's own
  public <K, V> ConsumerRecords<K, V> handleBatchAndReturnRemaining(
      Exception thrown,
      ConsumerRecords<?, ?> data,
      Consumer<?, ?> consumer,
      MessageListenerContainer container,
      Runnable invokeListener) {
    Duration delay = delay(thrown);
    if (delay == null) {
      return failures.handleBatchAndReturnRemaining(
          thrown, data, consumer, container, invokeListener);
    }
    Map<TopicPartition, List<ConsumerRecord<K, V>>> remaining = new LinkedHashMap<>();
    for (ConsumerRecord<?, ?> record : commitBefore(thrown, data, consumer, container)) {
      remaining
          .computeIfAbsent(KafkaMessages.partitionOf(record), partition -> new ArrayList<>())
          .add((ConsumerRecord<K, V>) record);
    }
    pause(container, delay);
    return new ConsumerRecords<>(remaining, Map.of());
  }

  /** Reads records again; what is thrown keeps the container from committing them. */
  private void again(
      Exception thrown,
      List<ConsumerRecord<?, ?>> records,
      Consumer<?, ?> consumer,
      MessageListenerContainer container,
      Duration delay) {
    SeekUtils.doSeeksToBegin(records, consumer, logger);
    pause(container, delay);
    throw new KafkaException(
        "Records are read again, because one is being consumed elsewhere",
        KafkaException.Level.DEBUG,
        thrown);
  }

  /** Commits what stands before the record that is busy, and answers with the rest. */
  private List<ConsumerRecord<?, ?>> commitBefore(
      Exception thrown,
      ConsumerRecords<?, ?> data,
      Consumer<?, ?> consumer,
      MessageListenerContainer container) {
    int left = doneIn(thrown);
    Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
    List<ConsumerRecord<?, ?>> rest = new ArrayList<>();
    for (ConsumerRecord<?, ?> record : data) {
      if (left-- > 0) {
        done.put(
            KafkaMessages.partitionOf(record),
            ListenerUtils.createOffsetAndMetadata(container, record.offset() + 1));
      } else {
        rest.add(record);
      }
    }
    if (!done.isEmpty()) {
      try {
        consumer.commitSync(done, container.getContainerProperties().getSyncCommitTimeout());
      } catch (RuntimeException e) {
        logger.info(
            e, "Offsets were not committed: what was consumed is delivered again, and skipped");
      }
    }
    return rest;
  }

  /** How many records of a batch are done. */
  private static int doneIn(Exception thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof BatchListenerFailedException failed) {
        return Math.max(failed.getIndex(), 0);
      }
    }
    return 0;
  }

  /** When to read again, for what is no failure; null for what is. */
  static @Nullable Duration delay(Exception thrown) {
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof DeliveryBusyException busy) {
        return busy.delay();
      } else if (at instanceof KeyBusyException busy) {
        return busy.retryAfter();
      } else if (at instanceof StoreUnavailableException) {
        return STORE_DELAY;
      }
    }
    return null;
  }

  private static void pause(MessageListenerContainer container, Duration delay) {
    try {
      ListenerUtils.stoppableSleep(container, Math.min(delay.toMillis(), MAX_DELAY_MILLIS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public boolean seeksAfterHandling() {
    return failures.seeksAfterHandling();
  }

  @Override
  public boolean deliveryAttemptHeader() {
    return failures.deliveryAttemptHeader();
  }

  @Override
  public void handleOtherException(
      Exception thrown,
      Consumer<?, ?> consumer,
      MessageListenerContainer container,
      boolean batchListener) {
    failures.handleOtherException(thrown, consumer, container, batchListener);
  }

  @Override
  public int deliveryAttempt(TopicPartitionOffset position) {
    return failures.deliveryAttempt(position);
  }

  @Override
  public void clearThreadState() {
    failures.clearThreadState();
  }

  @Override
  public boolean isAckAfterHandle() {
    return failures.isAckAfterHandle();
  }

  @Override
  public void setAckAfterHandle(boolean ack) {
    failures.setAckAfterHandle(ack);
  }

  @Override
  public void onPartitionsAssigned(
      Consumer<?, ?> consumer, Collection<TopicPartition> partitions, Runnable publishPause) {
    failures.onPartitionsAssigned(consumer, partitions, publishPause);
  }
}
