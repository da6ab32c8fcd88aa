package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.rocketmq.IdempotentRocketMqListeners;
import io.idem.spring.rocketmq.InboxSettings;
import io.idem.spring.rocketmq.InboxSettingsCustomizer;
import java.util.UUID;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.autoconfigure.RocketMQAutoConfiguration;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ApplicationContext;

/** What an application with {@code @RocketMQMessageListener} classes gets; no broker is asked. */
class RocketMqListenersTest {

  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyRocketMqAutoConfiguration.class,
                  RocketMQAutoConfiguration.class,
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withPropertyValues(
              "spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID(),
              "rocketmq.name-server=127.0.0.1:1");

  @Test
  void anIdempotentListenerIsLookedAfter() {
    application
        .withBean(Orders.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .rootCause()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContainingAll("orderly", "idem.rocketmq.parking-topic"));
  }

  @Test
  void aPropertySaysWhereToPark() {
    application.run(context -> assertThat(settings(context).parking()).isNull());
    application
        .withPropertyValues("idem.rocketmq.parking-topic=parked")
        .run(context -> assertThat(settings(context).parking()).isNotNull());
  }

  @Test
  void withoutTheModuleTheApplicationDoesNotStart() {
    application
        .withBean(Orders.class)
        .withClassLoader(new FilteredClassLoader(IdempotentRocketMqListeners.class))
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("idem-spring-rocketmq"));
  }

  private static InboxSettings settings(ApplicationContext context) throws Exception {
    return context
        .getBean(InboxSettingsCustomizer.class)
        .customize(
            InboxSettings.defaults(), Orders.class.getDeclaredMethod("onMessage", String.class));
  }

  @RocketMQMessageListener(topic = "orders", consumerGroup = "g", consumeMode = ConsumeMode.ORDERLY)
  static class Orders implements RocketMQListener<String> {

    @Override
    @Idempotent
    public void onMessage(String order) {}
  }
}
