package io.idem.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.jms.ParkedMessages;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.jms.IdempotentJmsListeners;
import io.idem.spring.jms.InboxSettings;
import io.idem.spring.jms.InboxSettingsCustomizer;
import jakarta.jms.ConnectionFactory;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jdbc.autoconfigure.DataSourceAutoConfiguration;
import org.springframework.boot.jdbc.autoconfigure.DataSourceTransactionManagerAutoConfiguration;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.transaction.autoconfigure.TransactionAutoConfiguration;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.jms.annotation.EnableJms;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.config.DefaultJmsListenerContainerFactory;
import org.springframework.jms.config.JmsListenerEndpointRegistry;
import org.springframework.jms.listener.AbstractMessageListenerContainer;
import org.springframework.jms.listener.adapter.MessagingMessageListenerAdapter;

/** What an application with {@code @JmsListener} methods gets. */
class JmsListenersTest {

  private final AtomicReference<InboxSettings> settings = new AtomicReference<>();
  private final ApplicationContextRunner application =
      new ApplicationContextRunner()
          .withConfiguration(
              AutoConfigurations.of(
                  IdempotencyAutoConfiguration.class,
                  IdempotencyJdbcAutoConfiguration.class,
                  IdempotencyJmsAutoConfiguration.class,
                  DataSourceAutoConfiguration.class,
                  DataSourceTransactionManagerAutoConfiguration.class,
                  TransactionAutoConfiguration.class))
          .withUserConfiguration(JmsApplication.class)
          .withBean(
              InboxSettingsCustomizer.class,
              () ->
                  (InboxSettings so, Method listener) -> {
                    settings.set(so);
                    return so;
                  })
          .withPropertyValues("spring.datasource.url=jdbc:h2:mem:" + UUID.randomUUID());

  @Test
  void anIdempotentListenerIsProtectedAndOthersAreLeftAlone() {
    application
        .withBean(Orders.class)
        .withBean(Plain.class)
        .run(
            context -> {
              assertThat(listener(context, "orders").getClass().getPackage())
                  .isEqualTo(IdempotentJmsListeners.class.getPackage());
              assertThat(listener(context, "plain"))
                  .isInstanceOf(MessagingMessageListenerAdapter.class);
              assertThat(settings.get().parked()).isNull();
            });
  }

  @Test
  void aPropertyOrABeanSaysWhereToPark() {
    ParkedMessages parking = (session, message, why) -> {};
    application
        .withBean(Orders.class)
        .withPropertyValues("idem.jms.parking-queue=parked")
        .run(context -> assertThat(settings.get().parked()).isNotNull());
    application
        .withBean(Orders.class)
        .withBean(ParkedMessages.class, () -> parking)
        .run(context -> assertThat(settings.get().parked()).isSameAs(parking));
  }

  @Test
  void severalBeansThatParkAreNoChoice() {
    ParkedMessages first = (session, message, why) -> {};
    ParkedMessages second = (session, message, why) -> {};
    ApplicationContextRunner several =
        application
            .withBean(Orders.class)
            .withBean("toPayments", ParkedMessages.class, () -> first)
            .withBean("elsewhere", ParkedMessages.class, () -> second);
    several.run(
        context ->
            assertThat(context)
                .getFailure()
                .isInstanceOf(IdempotencySetupException.class)
                .hasMessageContainingAll("elsewhere, toPayments", "Orders.book", "@Primary"));
    several
        .withBean("chosen", ParkedMessages.class, () -> first, bean -> bean.setPrimary(true))
        .run(context -> assertThat(settings.get().parked()).isSameAs(first));
    several
        .withBean(
            "choosing",
            InboxSettingsCustomizer.class,
            () -> (InboxSettings so, Method listener) -> so.parkWith(second))
        .run(context -> assertThat(context).hasNotFailed());
    several
        .withPropertyValues("idem.jms.parking-queue=parked")
        .run(context -> assertThat(context).hasNotFailed());
  }

  @Test
  void aListenerThatAcknowledgesByItselfIsRefused() {
    application
        .withBean(Orders.class)
        .withPropertyValues("transacted=false")
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("by themselves"));
  }

  @Test
  void aListenerThatAnswersIsRefused() {
    application
        .withBean(Answering.class)
        .run(
            context ->
                assertThat(context)
                    .getFailure()
                    .isInstanceOf(IdempotencySetupException.class)
                    .hasMessageContaining("answers with a String"));
  }

  @Test
  void withoutTheModuleTheApplicationDoesNotStart() {
    application
        .withBean(Orders.class)
        .withClassLoader(new FilteredClassLoader(IdempotentJmsListeners.class))
        .run(
            context ->
                assertThat(context).getFailure().isInstanceOf(IdempotencySetupException.class));
  }

  private static Object listener(ApplicationContext context, String id) {
    var registry = context.getBean(JmsListenerEndpointRegistry.class);
    var container = (AbstractMessageListenerContainer) registry.getListenerContainer(id);
    return container.getMessageListener();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableJms
  static class JmsApplication {

    @Bean
    DefaultJmsListenerContainerFactory jmsListenerContainerFactory(ApplicationContext context) {
      DefaultJmsListenerContainerFactory factory = new DefaultJmsListenerContainerFactory();
      factory.setConnectionFactory(unreachable());
      factory.setSessionTransacted(
          context.getEnvironment().getProperty("transacted", boolean.class, true));
      factory.setAutoStartup(false);
      return factory;
    }

    private static ConnectionFactory unreachable() {
      return (ConnectionFactory)
          Proxy.newProxyInstance(
              JmsListenersTest.class.getClassLoader(),
              new Class<?>[] {ConnectionFactory.class},
              (proxy, method, arguments) -> {
                throw new IllegalStateException("Nothing connects here");
              });
    }
  }

  static class Orders {

    @JmsListener(id = "orders", destination = "orders")
    @Idempotent
    public void book(String order) {}
  }

  static class Answering {

    @JmsListener(id = "orders", destination = "orders")
    @Idempotent
    public String book(String order) {
      return order;
    }
  }

  static class Plain {

    @JmsListener(id = "plain", destination = "orders")
    public void book(String order) {}
  }
}
