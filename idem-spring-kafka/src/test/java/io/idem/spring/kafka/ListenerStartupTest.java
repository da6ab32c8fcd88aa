package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Pattern;
import javax.sql.DataSource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.jdbc.datasource.DataSourceTransactionManager;
import org.springframework.jdbc.datasource.DriverManagerDataSource;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaHandler;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.annotation.RetryableTopic;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.ContainerPostProcessor;
import org.springframework.kafka.config.KafkaListenerContainerFactory;
import org.springframework.kafka.config.KafkaListenerEndpoint;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.config.ShareKafkaListenerContainerFactory;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultShareConsumerFactory;
import org.springframework.kafka.listener.AbstractMessageListenerContainer;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.support.Acknowledgment;
import org.springframework.kafka.support.ShareAcknowledgment;
import org.springframework.kafka.support.TopicPartitionOffset;
import org.springframework.messaging.handler.annotation.SendTo;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.MatchAlwaysTransactionAttributeSource;
import org.springframework.transaction.interceptor.TransactionInterceptor;

/** What of a listener is refused before it is given a record, and what is left as it was. */
class ListenerStartupTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Manual     | acknowledgement mode MANUAL",
        "NoGroup    | without a consumer group",
        "Async      | has returned a CompletableFuture",
        "Parameter  | refers to #order",
        "Sourced    | do not apply: source, caller.",
        "Attempted  | batches with a parameter of type Attempt",
        "Acking     | a parameter of type Acknowledgment",
        "Answering  | with @SendTo",
        "Handling   | not protected as messages",
        "HandlingOf | not protected as messages",
        "Both       | both a key and a header",
        "Retried    | @RetryableTopic",
        "AutoCommit | enable.auto.commit",
        "Committing | enable.auto.commit",
        "Unprocessed | was not post-processed",
        "Implicit   | acknowledgement mode IMPLICIT",
        "ShareManual | acknowledgement mode MANUAL",
        "ShareAcking | a parameter of type ShareAcknowledgment",
        "Managed    | has a transaction manager",
        "Advised    | mode LEASED, in which the outcome is recorded before",
        "AdvisedBatch | among its advice, and a listener of batches",
      })
  void whatCannotHoldIsRefused(String listener, String reason) throws Exception {
    Class<?> type = Class.forName(ListenerStartupTest.class.getName() + "$" + listener);

    assertThatThrownBy(() -> start(type).close())
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void listenersThatNothingReadsAreRefused() {
    assertThatThrownBy(
            () -> new AnnotationConfigApplicationContext(Unread.class, Counted.class).close())
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContainingAll("Counted.listen", "spring-boot-starter-kafka");
  }

  @Test
  void theIdAndThePostProcessorOfAListenerAreKept() {
    try (AnnotationConfigApplicationContext context = start(Named.class)) {
      MessageListenerContainer container =
          context.getBean(KafkaListenerEndpointRegistry.class).getListenerContainer("named");

      assertThat(container.getGroupId()).isEqualTo("named");
      assertThat(context.getBean(Counting.class).containers).hasValue(1);
      assertThat(container.getContainerProperties().getAdviceChain())
          .singleElement()
          .isInstanceOf(InboxAdvice.class);
    }
  }

  @Test
  void whatIsParkedIsKnownToBeLostWithoutAnErrorHandler() {
    assertThat(logged(Counted.class))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getLevel()).isEqualTo(Level.WARN);
              assertThat(event.getFormattedMessage()).contains("DeadLetterPublishingRecoverer");
            });
    assertThat(logged(Recovered.class)).isEmpty();
  }

  @Test
  void theContainerOfAShareGroupIsProtected() {
    try (AnnotationConfigApplicationContext context = start(Shared.class)) {
      MessageListenerContainer container =
          context.getBean(KafkaListenerEndpointRegistry.class).getListenerContainer("shared");

      assertThat(container.getContainerProperties().getMessageListener())
          .isInstanceOf(InboxShareListener.class);
    }
    assertThat(logged(Shared.class))
        .singleElement()
        .satisfies(
            event ->
                assertThat(event.getFormattedMessage()).contains("InboxShareRecoverer.keepingIn"));
  }

  private static List<ILoggingEvent> logged(Class<?> listener) {
    Logger logger = (Logger) LoggerFactory.getLogger("io.idem.kafka");
    ListAppender<ILoggingEvent> appender = new ListAppender<>();
    appender.start();
    logger.addAppender(appender);
    logger.setLevel(Level.WARN);
    try {
      start(listener).close();
    } finally {
      logger.setLevel(null);
      logger.detachAppender(appender);
    }
    return appender.list;
  }

  private static AnnotationConfigApplicationContext start(Class<?> listener) {
    AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext();
    context.register(Application.class, listener);
    try {
      context.refresh();
    } catch (RuntimeException e) {
      context.close();
      throw e;
    }
    return context;
  }

  @Configuration(proxyBeanMethods = false)
  @EnableKafka
  @EnableIdempotency
  @Import({IdempotentKafkaConfiguration.class, ListenerStartupTest.ShareGroups.class})
  static class Application {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    Counting counting() {
      return new Counting();
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
      return factory(Map.of("bootstrap.servers", "localhost:1"));
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> committing() {
      return factory(Map.of("bootstrap.servers", "localhost:1", "enable.auto.commit", true));
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> recovered() {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          kafkaListenerContainerFactory();
      factory.setCommonErrorHandler(new DefaultErrorHandler((record, thrown) -> {}));
      return factory;
    }

    @Bean
    @SuppressWarnings("removal") // as long as there is a way to set it
    ConcurrentKafkaListenerContainerFactory<String, String> managed(DataSource dataSource) {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          kafkaListenerContainerFactory();
      factory
          .getContainerProperties()
          .setTransactionManager(new DataSourceTransactionManager(dataSource));
      return factory;
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> advised(DataSource dataSource) {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          kafkaListenerContainerFactory();
      factory
          .getContainerProperties()
          .setAdviceChain(
              new TransactionInterceptor(
                  (TransactionManager) new DataSourceTransactionManager(dataSource),
                  new MatchAlwaysTransactionAttributeSource()));
      return factory;
    }

    @Bean
    DataSource dataSource() {
      return new DriverManagerDataSource("jdbc:h2:mem:unused");
    }

    private static ConcurrentKafkaListenerContainerFactory<String, String> factory(
        Map<String, Object> settings) {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(
          new DefaultKafkaConsumerFactory<>(
              settings, new StringDeserializer(), new StringDeserializer()));
      factory.setAutoStartup(false);
      return factory;
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  @Import(IdempotentKafkaConfiguration.class)
  static class Unread {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }
  }

  @Configuration(proxyBeanMethods = false)
  static class ShareGroups {

    @Bean
    ShareKafkaListenerContainerFactory<String, String> share() {
      return factory(ContainerProperties.ShareAckMode.EXPLICIT);
    }

    @Bean
    ShareKafkaListenerContainerFactory<String, String> implicit() {
      return factory(ContainerProperties.ShareAckMode.IMPLICIT);
    }

    @Bean
    ShareKafkaListenerContainerFactory<String, String> shareManual() {
      return factory(ContainerProperties.ShareAckMode.MANUAL);
    }

    /** A factory of somebody else's, which hides that of Spring. */
    @Bean
    KafkaListenerContainerFactory<MessageListenerContainer> unprocessed() {
      ShareKafkaListenerContainerFactory<String, String> hidden =
          factory(ContainerProperties.ShareAckMode.EXPLICIT);
      return new KafkaListenerContainerFactory<>() {
        @Override
        public MessageListenerContainer createListenerContainer(KafkaListenerEndpoint endpoint) {
          return hidden.createListenerContainer(endpoint);
        }

        @Override
        public MessageListenerContainer createContainer(TopicPartitionOffset... partitions) {
          return hidden.createContainer(partitions);
        }

        @Override
        public MessageListenerContainer createContainer(String... topics) {
          return hidden.createContainer(topics);
        }

        @Override
        public MessageListenerContainer createContainer(Pattern topics) {
          return hidden.createContainer(topics);
        }
      };
    }

    private static ShareKafkaListenerContainerFactory<String, String> factory(
        ContainerProperties.ShareAckMode mode) {
      ShareKafkaListenerContainerFactory<String, String> factory =
          new ShareKafkaListenerContainerFactory<>(
              new DefaultShareConsumerFactory<>(Map.of("bootstrap.servers", "localhost:1")));
      factory.getContainerProperties().setShareAckMode(mode);
      factory.setAutoStartup(false);
      return factory;
    }
  }

  static class Counting
      implements ContainerPostProcessor<
          Object, Object, AbstractMessageListenerContainer<Object, Object>> {

    final AtomicInteger containers = new AtomicInteger();

    @Override
    public void postProcess(AbstractMessageListenerContainer<Object, Object> container) {
      containers.incrementAndGet();
    }
  }

  static class Named {
    @KafkaListener(id = "named", topics = "t", containerPostProcessor = "counting")
    @Idempotent
    public void listen(String value) {}
  }

  static class Manual {
    @KafkaListener(topics = "t", groupId = "g", ackMode = "MANUAL")
    @Idempotent
    public void listen(String value) {}
  }

  static class NoGroup {
    @KafkaListener(topics = "t")
    @Idempotent
    public void listen(String value) {}
  }

  static class Async {
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent
    public CompletableFuture<Void> listen(String value) {
      return CompletableFuture.completedFuture(null);
    }
  }

  static class Parameter {
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent(key = "#order")
    public void listen(String order) {}
  }

  static class Sourced {
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent(source = "#payload", caller = Idempotent.Caller.SHARED)
    public void listen(String value) {}
  }

  static class Attempted {
    @KafkaListener(topics = "t", groupId = "g", batch = "true")
    @Idempotent
    public void listen(List<String> values, Attempt attempt) {}
  }

  static class Answering {
    @KafkaListener(topics = "any", groupId = "g")
    @SendTo("answers")
    @Idempotent
    public String listen(String value) {
      return value;
    }
  }

  static class Acking {
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent
    public void listen(String value, Acknowledgment acknowledgment) {}
  }

  @KafkaListener(topics = "t", groupId = "g")
  static class Handling {
    @KafkaHandler
    @Idempotent
    public void listen(String value) {}
  }

  @KafkaListener(topics = "t", groupId = "g")
  static class HandlingOf {
    @KafkaHandler
    @Idempotent(key = "#value")
    public void listen(String value) {}
  }

  static class Both {
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent(key = "#payload", header = "id")
    public void listen(String value) {}
  }

  static class Retried {
    @RetryableTopic
    @KafkaListener(topics = "t", groupId = "g")
    @Idempotent
    public void listen(String value) {}
  }

  static class Shared {
    @KafkaListener(id = "shared", topics = "t", groupId = "g", containerFactory = "share")
    @Idempotent
    public void listen(String value) {}
  }

  static class Unprocessed {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "unprocessed")
    @Idempotent
    public void listen(String value) {}
  }

  static class Implicit {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "implicit")
    @Idempotent
    public void listen(String value) {}
  }

  static class ShareManual {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "shareManual")
    @Idempotent
    public void listen(String value) {}
  }

  static class ShareAcking {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "share")
    @Idempotent
    public void listen(String value, ShareAcknowledgment acknowledgment) {}
  }

  static class Committing {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "committing")
    @Idempotent
    public void listen(String value) {}
  }

  static class Counted {
    @KafkaListener(topics = "t", groupId = "g", ackMode = "COUNT")
    @Idempotent
    public void listen(String value) {}
  }

  static class Recovered {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "recovered")
    @Idempotent
    public void listen(String value) {}
  }

  static class Managed {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "managed")
    @Idempotent
    public void listen(String value) {}
  }

  static class Advised {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "advised")
    @Idempotent
    public void listen(String value) {}
  }

  static class AdvisedBatch {
    @KafkaListener(topics = "t", groupId = "g", containerFactory = "advised", batch = "true")
    @Idempotent
    public void listen(List<String> values) {}
  }

  static class AutoCommit {
    @KafkaListener(topics = "t", groupId = "g", properties = "enable.auto.commit=true")
    @Idempotent
    public void listen(String value) {}
  }
}
