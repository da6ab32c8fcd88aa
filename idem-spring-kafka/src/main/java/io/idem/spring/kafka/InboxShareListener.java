package io.idem.spring.kafka;

import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.DeliveryBusyException;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.Inbox;
import io.idem.spring.ListenerCall;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.AcknowledgementCommitCallback;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.TopicIdPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.kafka.listener.AcknowledgingShareConsumerAwareMessageListener;
import org.springframework.kafka.listener.GenericMessageListener;
import org.springframework.kafka.listener.ListenerExecutionFailedException;
import org.springframework.kafka.listener.ListenerUtils;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.support.ShareAcknowledgment;

/**
 * The inbox around the listener of a share group's container, which accepts what this returns from
 * and asks an {@link InboxShareRecoverer} about what it throws.
 *
 * <p>A record that is busy is asked for again where it stands: every delivery counts at the broker,
 * also those that nobody could help. The records of a poll are locked together, so they share the
 * time for that: two thirds of the lock. Thread-safe.
 */
final class InboxShareListener<K, V>
    implements AcknowledgingShareConsumerAwareMessageListener<K, V>, AcknowledgementCommitCallback {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");
  private static final long MAX_SLEEP_MILLIS = 1_000;

  private final GenericMessageListener<ConsumerRecord<K, V>> listener;
  private final Supplier<Inbox<ConsumerRecord<?, ?>>> inbox;
  private final MessageListenerContainer container;
  private final Duration lock;
  private final @Nullable AcknowledgementCommitCallback callback;

  /** When each consumer began with what it has polled; each has a thread of its own. */
  @SuppressWarnings("ThreadLocalUsage") // of this container
  private final ThreadLocal<@Nullable Long> pollNanos = new ThreadLocal<>();

  InboxShareListener(
      GenericMessageListener<ConsumerRecord<K, V>> listener,
      Supplier<Inbox<ConsumerRecord<?, ?>>> inbox,
      MessageListenerContainer container,
      Duration lock,
      @Nullable AcknowledgementCommitCallback callback) {
    this.listener = listener;
    this.inbox = inbox;
    this.container = container;
    this.lock = lock;
    this.callback = callback;
  }

  /** Between two polls, on the thread of the consumer. */
  @Override
  public void onComplete(Map<TopicIdPartition, Set<Long>> offsets, @Nullable Exception exception) {
    pollNanos.remove();
    if (callback != null) {
      callback.onComplete(offsets, exception);
    } else if (exception != null) {
      log.warn(
          "Acknowledgements were not committed: what was consumed is delivered again, and skipped",
          exception);
    }
  }

  @Override
  public void onShareRecord(
      ConsumerRecord<K, V> record,
      @Nullable ShareAcknowledgment acknowledgment,
      ShareConsumer<?, ?> consumer) {
    ListenerCall call =
        new ListenerCall(
            received -> proceed(record, acknowledgment, consumer),
            ListenerExecutionFailedException.class);
    long until = waitUntil(consumer);
    RuntimeException busy = tried(record, call);
    while (busy != null) {
      long left = Duration.ofNanos(until - System.nanoTime()).toMillis();
      if (left <= 0 || !container.isRunning()) {
        throw busy;
      }
      sleep(busy, left);
      busy = tried(record, call);
    }
  }

  private void proceed(
      ConsumerRecord<K, V> record,
      @Nullable ShareAcknowledgment acknowledgment,
      ShareConsumer<?, ?> consumer) {
    if (listener instanceof AcknowledgingShareConsumerAwareMessageListener<K, V> aware) {
      aware.onShareRecord(record, acknowledgment, consumer);
    } else {
      listener.onMessage(record);
    }
  }

  /** What is no failure; null if the record is done. */
  private @Nullable RuntimeException tried(ConsumerRecord<K, V> record, ListenerCall call) {
    DeliveryDecision decision;
    try {
      decision = inbox.get().consume(record, call::proceed);
    } catch (StoreUnavailableException e) {
      return e;
    } catch (Exception e) {
      if (call.asThrown(e) instanceof RuntimeException thrown) {
        throw thrown;
      }
      throw new ListenerExecutionFailedException("A listener has failed", e);
    }
    if (decision instanceof DeliveryDecision.RedeliverLater later) {
      return new DeliveryBusyException(later.delay());
    }
    ParkedLog.tell(decision, record, inbox.get());
    decision.orElseThrow();
    return null;
  }

  /** The end of the time that the records of a poll may wait. */
  private long waitUntil(ShareConsumer<?, ?> consumer) {
    long locked =
        consumer.acquisitionLockTimeoutMs().map(Duration::ofMillis).orElse(lock).toNanos();
    long now = System.nanoTime();
    Long began = pollNanos.get();
    if (began == null || now - began >= locked) {
      began = now;
      pollNanos.set(began);
    }
    return began + locked * 2 / 3;
  }

  private void sleep(RuntimeException busy, long leftMillis) {
    Duration wanted = InboxErrorHandler.delay(busy);
    long millis = wanted == null ? 0 : wanted.toMillis();
    try {
      ListenerUtils.stoppableSleep(
          container, Math.min(Math.min(Math.max(millis, 1), leftMillis), MAX_SLEEP_MILLIS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw busy;
    }
  }
}
