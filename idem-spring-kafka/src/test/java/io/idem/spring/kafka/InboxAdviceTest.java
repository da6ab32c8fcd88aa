package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.Disposition;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.Operation;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.ParkReason;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.aopalliance.aop.Advice;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.BatchMessageListener;
import org.springframework.kafka.listener.MessageListener;

/** What a container and a person are told of records that are not consumed; without a broker. */
class InboxAdviceTest {

  private static final String PARKED =
      "Message any-0@0 of any cannot be consumed by g, and is parked: The message has no key: no"
          + " header 'idempotency-key' (NO_KEY)";

  private final Idempotency engine = Idempotency.inMemory();
  private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.messaging");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

  @BeforeEach
  void listen() {
    logged.start();
    logger.addAppender(logged);
    logger.setLevel(Level.WARN);
  }

  @AfterEach
  void close() {
    logger.setLevel(null);
    logger.detachAppender(logged);
    engine.close();
  }

  @Test
  void aParkedRecordOfABatchSaysWhyInTheMessageThatDeadLettersKeep() {
    BatchMessageListener<String, String> listener =
        protect(BatchMessageListener.class, records -> {}, advice());

    assertThatThrownBy(() -> listener.onMessage(List.of(record("1", "a"), record(null, "b"))))
        .isInstanceOf(BatchListenerFailedException.class)
        .hasMessageContaining("The message has no key")
        .hasMessageContaining("NO_KEY")
        .hasCauseInstanceOf(DeliveryParkedException.class);
  }

  @Test
  void aParkedRecordIsNamedOnceWithNothingThatIsInIt() {
    try (KafkaLog kafka = new KafkaLog()) {
      MessageListener<String, String> one = protect(MessageListener.class, record -> {}, advice());
      BatchMessageListener<String, String> batch =
          protect(BatchMessageListener.class, records -> {}, advice());

      assertThatThrownBy(() -> one.onMessage(record(null, "secret")))
          .isInstanceOf(DeliveryParkedException.class);
      assertThatThrownBy(
              () -> batch.onMessage(List.of(record("key-1", "a"), record(null, "secret"))))
          .isInstanceOf(BatchListenerFailedException.class);

      assertThat(kafka.texts()).containsExactly(PARKED, PARKED);
      assertThat(logged.list).allMatch(event -> event.getLevel() == Level.WARN);
    }
  }

  /** An error handler would give up a batch as a whole if it were not told a place. */
  @Test
  void theFailureOfALeasedBatchIsToldAtItsBeginning() {
    BatchMessageListener<String, String> listener =
        protect(
            BatchMessageListener.class,
            records -> {
              throw new IllegalStateException("gateway said 502");
            },
            advice());

    assertThatThrownBy(() -> listener.onMessage(List.of(record("1", "a"), record("2", "b"))))
        .isInstanceOfSatisfying(
            BatchListenerFailedException.class, failed -> assertThat(failed.getIndex()).isZero())
        .hasCauseInstanceOf(IllegalStateException.class);
  }

  @Test
  void theFailureOfALeasedListenerIsLoggedBeforeItsOutcomeIsUnknown() {
    MessageListener<String, String> listener =
        protect(
            MessageListener.class,
            record -> {
              throw new IllegalStateException("gateway said 502");
            },
            advice());

    assertThatThrownBy(() -> listener.onMessage(record("1", "a")))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> listener.onMessage(record("1", "a")))
        .isInstanceOfSatisfying(
            DeliveryParkedException.class,
            parked -> assertThat(parked.reason()).isEqualTo(ParkReason.OUTCOME_UNKNOWN));

    assertThat(logged.list)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getFormattedMessage()).contains("'book'").contains("releaseOn");
              assertThat(event.getThrowableProxy().getMessage()).isEqualTo("gateway said 502");
            });
  }

  @Test
  void aFailureThatFreesItsKeyLeavesNothingUnknown() {
    assertThatFailingIsLogged(
        operation -> operation.releaseOn(IllegalStateException.class), false, false);
    assertThatFailingIsLogged(
        operation -> operation.onOtherFailure(Disposition.RELEASE), false, false);
  }

  @Test
  void aFailureThatIsRecordedLeavesNothingUnknownButInABatch() {
    assertThatFailingIsLogged(
        operation ->
            operation.recordFailure(
                FailureMapping.ofMessage(
                    "refused", IllegalStateException.class, IllegalStateException::new)),
        false,
        true);
  }

  @Test
  void aFailureWithAPlaceIsLoggedByWhatItsCauseMeans() {
    InboxAdvice advice =
        new InboxAdvice(
            Inbox.<ConsumerRecord<?, ?>>builder(engine, "placed", KafkaMessages.reader())
                .consumerGroup("g")
                .operation(operation -> operation.releaseOn(IllegalStateException.class))
                .build());

    assertThat(loggedOf(advice, new IllegalStateException("cannot be reached"))).isEmpty();
    assertThat(loggedOf(advice, new IllegalArgumentException("said 502"))).hasSize(1);
  }

  private List<ILoggingEvent> loggedOf(InboxAdvice advice, Exception cause) {
    BatchMessageListener<String, String> batch =
        protect(
            BatchMessageListener.class,
            records -> {
              throw new BatchListenerFailedException("failed", cause, 1);
            },
            advice);
    logged.list.clear();
    assertThatThrownBy(() -> batch.onMessage(List.of(record(cause + " 1", "a"), record("2", "b"))))
        .isInstanceOfSatisfying(
            BatchListenerFailedException.class, failed -> assertThat(failed.getIndex()).isOne())
        .hasCause(cause);
    return List.copyOf(logged.list);
  }

  private void assertThatFailingIsLogged(
      Consumer<Operation.Builder<Void>> settings, boolean isOne, boolean isBatch) {
    String operation = "book" + UUID.randomUUID();
    InboxAdvice advice =
        new InboxAdvice(
            Inbox.<ConsumerRecord<?, ?>>builder(engine, operation, KafkaMessages.reader())
                .consumerGroup("g")
                .operation(settings)
                .build());
    MessageListener<String, String> one =
        protect(
            MessageListener.class,
            record -> {
              throw new IllegalStateException("gateway cannot be reached");
            },
            advice);
    BatchMessageListener<String, String> batch =
        protect(
            BatchMessageListener.class,
            records -> {
              throw new IllegalStateException("gateway cannot be reached");
            },
            advice);

    logged.list.clear();
    assertThatThrownBy(() -> one.onMessage(record("1", "a")))
        .isInstanceOf(IllegalStateException.class);
    assertThat(logged.list).hasSize(isOne ? 1 : 0);
    logged.list.clear();
    assertThatThrownBy(() -> batch.onMessage(List.of(record("2", "b"))))
        .isInstanceOf(BatchListenerFailedException.class);
    assertThat(logged.list).hasSize(isBatch ? 1 : 0);
  }

  @Test
  void aKeyExpressionThatFailsIsNamedOnceForEachRecordThatIsParked() {
    try (AnnotationConfigApplicationContext context =
            new AnnotationConfigApplicationContext(Application.class);
        KafkaLog kafka = new KafkaLog()) {
      Advice[] chain =
          context
              .getBean(KafkaListenerEndpointRegistry.class)
              .getListenerContainer("numbered")
              .getContainerProperties()
              .getAdviceChain();
      InboxAdvice advice = (InboxAdvice) chain[0];
      MessageListener<String, String> one = protect(MessageListener.class, record -> {}, advice);
      BatchMessageListener<String, String> batch =
          protect(BatchMessageListener.class, records -> {}, advice);
      String[] named = {
        "@Idempotent(key = \"#payload.number\")",
        "Numbered.listen(String)",
        "'number' cannot be found on object of type 'java.lang.String'"
      };
      ConsumerRecord<String, String> first = record(null, "secret");
      ConsumerRecord<String, String> second = new ConsumerRecord<>("any", 0, 1, "key", "secret");

      assertThatThrownBy(() -> one.onMessage(first))
          .isInstanceOf(DeliveryParkedException.class)
          .hasMessageContainingAll(named)
          .hasMessageContaining("UNUSABLE_KEY");
      assertThatThrownBy(() -> batch.onMessage(List.of(first, second)))
          .hasMessageContainingAll(named);
      assertThatThrownBy(() -> batch.onMessage(List.of(second))).hasMessageContainingAll(named);

      assertThat(kafka.texts())
          .allSatisfy(text -> assertThat(text).contains(named).doesNotContain("secret"))
          .satisfiesExactly(
              text -> assertThat(text).contains("any-0@0"),
              text -> assertThat(text).contains("any-0@0"),
              text -> assertThat(text).contains("any-0@1"));
    }
  }

  @Test
  void aPlaceThatCannotBeToldIsNotBlamedOnWhatTheOperationReleases() {
    InboxAdvice advice =
        new InboxAdvice(
            Inbox.<ConsumerRecord<?, ?>>builder(engine, "placed", KafkaMessages.reader())
                .consumerGroup("g")
                .operation(operation -> operation.releaseOn(IllegalStateException.class))
                .build());
    BatchMessageListener<String, String> batch =
        protect(
            BatchMessageListener.class,
            records -> {
              throw new BatchListenerFailedException("failed", new IllegalStateException("no"), 7);
            },
            advice);

    assertThatThrownBy(() -> batch.onMessage(List.of(record("1", "a"))))
        .isInstanceOf(BatchListenerFailedException.class);

    assertThat(logged.list)
        .singleElement()
        .satisfies(
            event ->
                assertThat(event.getFormattedMessage())
                    .contains("'placed'", "Whatever releaseOn says")
                    .doesNotContain("Say with releaseOn"));
  }

  /** What the adapter logs is listened to as well. */
  private final class KafkaLog implements AutoCloseable {

    private final Logger kafka = (Logger) LoggerFactory.getLogger("io.idem.kafka");

    KafkaLog() {
      kafka.addAppender(logged);
      kafka.setLevel(Level.WARN);
    }

    List<String> texts() {
      return logged.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
    }

    @Override
    public void close() {
      kafka.setLevel(null);
      kafka.detachAppender(logged);
    }
  }

  private InboxAdvice advice() {
    return new InboxAdvice(asAny());
  }

  private Inbox<ConsumerRecord<?, ?>> asAny() {
    return Inbox.<ConsumerRecord<?, ?>>builder(engine, "book", KafkaMessages.reader())
        .consumerGroup("g")
        .build();
  }

  @SuppressWarnings("unchecked") // the proxy is of the listener's own type
  private static <L> L protect(Class<? super L> type, L listener, InboxAdvice advice) {
    ProxyFactory proxy = new ProxyFactory(listener);
    proxy.addAdvice(advice);
    return (L) type.cast(proxy.getProxy());
  }

  private static ConsumerRecord<String, String> record(String id, String value) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>("any", 0, 0, null, value);
    if (id != null) {
      record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    }
    return record;
  }

  @Configuration(proxyBeanMethods = false)
  @EnableKafka
  @EnableIdempotency
  @Import({IdempotentKafkaConfiguration.class, Numbered.class})
  static class Application {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(
          new DefaultKafkaConsumerFactory<>(
              Map.of("bootstrap.servers", "localhost:1"),
              new StringDeserializer(),
              new StringDeserializer()));
      factory.setAutoStartup(false);
      return factory;
    }
  }

  static class Numbered {
    @KafkaListener(id = "numbered", topics = "any")
    @Idempotent(key = "#payload.number")
    public void listen(String value) {}
  }
}
