package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.core.store.StoreUnavailableException;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.DeliveryBusyException;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.ParkReason;
import io.idem.testkit.Together;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntSupplier;
import java.util.function.Supplier;
import org.apache.kafka.clients.consumer.AcknowledgeType;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.kafka.listener.ListenerExecutionFailedException;
import org.springframework.kafka.listener.MessageListener;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.listener.ShareConsumerRecordRecoverer;

/** What becomes of a record of a share group that is not done, and how long it waits before. */
class InboxShareRecovererTest {

  private final Exception busy =
      new ListenerExecutionFailedException("", new DeliveryBusyException(Duration.ofMillis(20)));
  private final Exception noStore = new StoreUnavailableException("down", null);
  private final Exception parked =
      new DeliveryParkedException(new DeliveryDecision.Park(ParkReason.NO_KEY, "no key", null));
  private final Exception failed = new IllegalStateException("failed");

  private final List<Exception> kept = new ArrayList<>();

  @Test
  void whatIsBusyIsReleasedUntilItsLastDelivery() {
    InboxShareRecoverer recoverer =
        InboxShareRecoverer.keepingIn((record, thrown) -> kept.add(thrown)).deliveries(3);

    for (Exception thrown : List.of(busy, noStore, failed)) {
      assertThat(recoverer.recover(delivered(1), thrown)).isEqualTo(AcknowledgeType.RELEASE);
      assertThat(recoverer.recover(delivered(2), thrown)).isEqualTo(AcknowledgeType.RELEASE);
      assertThat(recoverer.recover(delivered(3), thrown)).isEqualTo(AcknowledgeType.REJECT);
    }
    assertThat(kept).containsExactly(busy, noStore, failed);
  }

  @Test
  void whatCanNeverBeConsumedIsKeptAtOnceOrReleased() {
    assertThat(
            InboxShareRecoverer.keepingIn((record, thrown) -> kept.add(thrown))
                .recover(delivered(1), parked))
        .isEqualTo(AcknowledgeType.REJECT);
    assertThat(kept).containsExactly(parked);
    assertThat(
            InboxShareRecoverer.keepingIn(
                    (record, thrown) -> {
                      throw (RuntimeException) thrown; // even so it is not lost
                    })
                .recover(delivered(4), parked))
        .isEqualTo(AcknowledgeType.RELEASE);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new InboxShareRecoverer((record, thrown) -> null).deliveries(0));
  }

  @Test
  void aRecovererOfTheApplicationDecidesAboutFailuresAlone() {
    InboxShareRecoverer recoverer =
        new InboxShareRecoverer(
            (record, thrown) -> {
              kept.add(thrown);
              return AcknowledgeType.ACCEPT;
            });

    assertThat(recoverer.recover(delivered(1), busy)).isEqualTo(AcknowledgeType.RELEASE);
    assertThat(kept).isEmpty();
    assertThat(recoverer.recover(delivered(1), parked)).isEqualTo(AcknowledgeType.REJECT);
    assertThat(recoverer.recover(delivered(1), failed)).isEqualTo(AcknowledgeType.ACCEPT);
    assertThat(recoverer.recover(delivered(5), busy)).isEqualTo(AcknowledgeType.REJECT);
    assertThat(kept).containsExactly(parked, failed, busy);
    assertThat(recoverer.onlyLogs()).isFalse();
    assertThat(new InboxShareRecoverer(ShareConsumerRecordRecoverer.REJECTING).onlyLogs()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theRecordsOfAPollShareTheTimeOfTheirLock(boolean brokerTells) throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    AtomicInteger tries = new AtomicInteger();
    AtomicBoolean running = new AtomicBoolean(true);
    try (Idempotency engine = Idempotency.inMemory()) {
      Inbox<ConsumerRecord<?, ?>> inbox =
          Inbox.<ConsumerRecord<?, ?>>builder(engine, "book", KafkaMessages.reader())
              .consumerGroup("g")
              .operation(o -> o.waitAtMost(Duration.ZERO).retryAfter(Duration.ofMillis(10)))
              .build();
      CompletableFuture<DeliveryDecision> other =
          CompletableFuture.supplyAsync(
              () ->
                  inbox.consume(
                      delivered(1),
                      (record, attempt) -> {
                        held.countDown();
                        Together.await(end);
                      }));
      Together.await(held);
      InboxShareListener<String, String> listener =
          new InboxShareListener<>(
              (MessageListener<String, String>) record -> {},
              () -> {
                tries.incrementAndGet();
                return inbox;
              },
              proxy(MessageListenerContainer.class, "isRunning", running::get),
              brokerTells ? Duration.ofHours(1) : Duration.ofMillis(300),
              null);
      ShareConsumer<?, ?> consumer =
          proxy(
              ShareConsumer.class,
              "acquisitionLockTimeoutMs",
              () -> brokerTells ? Optional.of(300) : Optional.empty());
      IntSupplier asked =
          () -> {
            tries.set(0);
            assertThatThrownBy(() -> listener.onShareRecord(delivered(1), null, consumer))
                .isInstanceOf(DeliveryBusyException.class);
            return tries.get();
          };

      assertThat(asked.getAsInt()).isGreaterThan(1);
      assertThat(asked.getAsInt()).isEqualTo(1); // another one of the same poll
      listener.onComplete(Map.of(), null);
      assertThat(asked.getAsInt()).isGreaterThan(1);
      listener.onComplete(Map.of(), null);
      running.set(false);
      assertThat(asked.getAsInt()).isEqualTo(1);
      end.countDown();
      assertThat(other.get(60, TimeUnit.SECONDS).isDone()).isTrue();
    }
  }

  private static <T> T proxy(Class<T> type, String method, Supplier<?> answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, called, arguments) -> called.getName().equals(method) ? answer.get() : null));
  }

  private static ConsumerRecord<String, String> delivered(int count) {
    RecordHeaders headers = new RecordHeaders();
    headers.add(MessageIds.HEADER, "1".getBytes(StandardCharsets.UTF_8));
    return new ConsumerRecord<>(
        "any",
        0,
        0,
        0,
        TimestampType.CREATE_TIME,
        -1,
        -1,
        null,
        "a",
        headers,
        Optional.empty(),
        Optional.of((short) count));
  }
}
