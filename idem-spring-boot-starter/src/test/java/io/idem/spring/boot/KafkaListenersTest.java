package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.kafka.IdempotentKafkaListeners;
import io.idem.spring.kafka.InboxAdvice;
import io.idem.spring.kafka.InboxErrorHandler;
import java.util.Map;
import java.util.UUID;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.listener.AbstractMessageListenerContainer;

/** What an application with {@code @KafkaListener} methods gets. */
class KafkaListenersTest {

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyKafkaAutoConfiguration.class,
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withUserConfiguration(KafkaApplication.class)
          .withPropertyValues("spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID());

  @Test
  void anIdempotentListenerIsProtected() {
    application
        .withBean(Orders.class)
        .run(
            context -> {
              AbstractMessageListenerContainer<?, ?> container =
                  (AbstractMessageListenerContainer<?, ?>)
                      context
                          .getBean(KafkaListenerEndpointRegistry.class)
                          .getListenerContainers()
                          .iterator()
                          .next();

              assertThat(container.getContainerProperties().getAdviceChain())
                  .singleElement()
                  .isInstanceOf(InboxAdvice.class);
              assertThat(container.getCommonErrorHandler()).isInstanceOf(InboxErrorHandler.class);
            });
  }

  @Test
  void otherListenersAreLeftAlone() {
    application
        .withBean(Plain.class)
        .run(
            context -> {
              AbstractMessageListenerContainer<?, ?> container =
                  (AbstractMessageListenerContainer<?, ?>)
                      context
                          .getBean(KafkaListenerEndpointRegistry.class)
                          .getListenerContainer("plain");

              assertThat(container.getContainerProperties().getAdviceChain()).isEmpty();
              assertThat(container.getCommonErrorHandler()).isNull();
            });
  }

  @Test
  void withoutTheModuleTheApplicationDoesNotStart() {
    application
        .withBean(Orders.class)
        .withClassLoader(new FilteredClassLoader(IdempotentKafkaListeners.class))
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .extracting(
                        NestedExceptionUtils::getMostSpecificCause,
                        InstanceOfAssertFactories.THROWABLE)
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("idem-spring-kafka"));
  }

  @Configuration(proxyBeanMethods = false)
  @EnableKafka
  static class KafkaApplication {

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory() {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(
          new DefaultKafkaConsumerFactory<>(Map.of("bootstrap.servers", "localhost:1")));
      factory.setAutoStartup(false);
      return factory;
    }
  }

  static class Orders {

    @KafkaListener(topics = "orders", groupId = "billing")
    @Idempotent
    public void book(String order) {}
  }

  static class Plain {

    @KafkaListener(id = "plain", topics = "orders")
    public void book(String order) {}
  }
}
