package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.rabbit.IdempotentRabbitListeners;
import io.idem.spring.rabbit.InboxAdvice;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What an application with {@code @RabbitListener} methods gets. */
class RabbitListenersTest {

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyRabbitAutoConfiguration.class,
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withUserConfiguration(RabbitApplication.class)
          .withPropertyValues("spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID());

  @Test
  void anIdempotentListenerIsProtectedAndOthersAreLeftAlone() {
    application
        .withBean(Orders.class)
        .withBean(Plain.class)
        .run(
            context -> {
              RabbitListenerEndpointRegistry registry =
                  context.getBean(RabbitListenerEndpointRegistry.class);

              assertThat(advice(registry.getListenerContainer("orders")))
                  .singleElement()
                  .isInstanceOf(InboxAdvice.class);
              assertThat(advice(registry.getListenerContainer("plain"))).isEmpty();
            });
  }

  @Test
  void aListenerThatAcknowledgesByItselfIsRefused() {
    application
        .withBean(Manual.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("MANUAL"));
  }

  @Test
  void withoutTheModuleTheApplicationDoesNotStart() {
    application
        .withBean(Orders.class)
        .withClassLoader(new FilteredClassLoader(IdempotentRabbitListeners.class))
        .run(
            context ->
                assertThat(context).getFailure().isInstanceOf(IdempotencySetupException.class));
  }

  private static Object[] advice(Object container) {
    return (Object[]) new DirectFieldAccessor(container).getPropertyValue("adviceChain");
  }

  @Configuration(proxyBeanMethods = false)
  @EnableRabbit
  static class RabbitApplication {

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory() {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(new CachingConnectionFactory("127.0.0.1", 1));
      factory.setAutoStartup(false);
      return factory;
    }
  }

  static class Orders {

    @RabbitListener(id = "orders", queues = "orders")
    @Idempotent
    public void book(String order) {}
  }

  static class Manual {

    @RabbitListener(id = "orders", queues = "orders", ackMode = "MANUAL")
    @Idempotent
    public void book(String order) {}
  }

  static class Plain {

    @RabbitListener(id = "plain", queues = "orders")
    public void book(String order) {}
  }
}
