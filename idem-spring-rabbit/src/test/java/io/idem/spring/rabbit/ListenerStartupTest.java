package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.RabbitHandler;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.DirectRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.amqp.rabbit.transaction.RabbitTransactionManager;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.NestedExceptionUtils;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.TransactionDefinition;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.MatchAlwaysTransactionAttributeSource;
import org.springframework.transaction.interceptor.TransactionInterceptor;
import org.springframework.transaction.support.AbstractPlatformTransactionManager;
import org.springframework.transaction.support.DefaultTransactionStatus;

/** What of a listener is refused before it is given a message; no broker is needed for it. */
class ListenerStartupTest {

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Manual    | acknowledgement mode MANUAL",
        "Unacked   | acknowledgement mode NONE",
        "Attempted | batches with a parameter of type Attempt",
        "Sourced   | do not apply: source, caller.",
        "Handling  | not protected as messages",
        "Answering | answers with a String",
        "Managed   | has a transaction manager, and a transaction for several messages",
        "Gathering | has a transaction manager, and a transaction for several messages",
        "Committed | a transacted channel and a listener of batches",
        "Several   | batchSize of 2 with a listener of single messages",
        "Early     | mode LEASED, in which the outcome is recorded before",
        "Advised   | mode LEASED, in which the outcome is recorded before",
        "AdvisedBatch | among its advice, and a listener of batches",
      })
  void whatCannotHoldIsRefused(String listener, String reason) throws Exception {
    Class<?> type = Class.forName(ListenerStartupTest.class.getName() + "$" + listener);

    assertThatThrownBy(
            () -> new AnnotationConfigApplicationContext(Application.class, type).close())
        .extracting(NestedExceptionUtils::getMostSpecificCause, InstanceOfAssertFactories.THROWABLE)
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void aTransactionManagerForSingleMessagesIsNotRefused() {
    assertThatCode(
            () -> new AnnotationConfigApplicationContext(Application.class, Single.class).close())
        .doesNotThrowAnyException();
  }

  @Test
  void aContainerByHandIsHeldToTheSame() {
    try (Idempotency engine = Idempotency.inMemory()) {
      InboxAdvice advice = new InboxAdvice(AmqpMessages.inbox(engine, "book", "q").build());
      SimpleMessageListenerContainer container = new SimpleMessageListenerContainer();

      assertThatThrownBy(() -> IdempotentRabbitListeners.protect(container, advice))
          .as("whether it is one of batches is not known")
          .isInstanceOf(IdempotencySetupException.class)
          .hasMessageContaining("has no listener yet");
      container.setMessageListener(message -> {});
      container.setTransactionManager(new ResourcelessTransactionManager());
      assertThatThrownBy(() -> IdempotentRabbitListeners.protect(container, advice))
          .isInstanceOf(IdempotencySetupException.class)
          .hasMessageContaining("ResourcelessTransactionManager");
      container.setTransactionManager(new RabbitTransactionManager());
      assertThatCode(() -> IdempotentRabbitListeners.protect(container, advice))
          .as("one that commits nothing but messages")
          .doesNotThrowAnyException();
      container.setTransactionManager(
          (PlatformTransactionManager) new ProxyFactory(new RabbitTransactionManager()).getProxy());
      assertThatCode(() -> IdempotentRabbitListeners.protect(container, advice))
          .as("the same behind a proxy of its interfaces")
          .doesNotThrowAnyException();
    }
  }

  @Test
  void aMessageIsHeldForSomeTimeAndParkedElsewhere() {
    try (Idempotency engine = Idempotency.inMemory()) {
      InboxAdvice advice = new InboxAdvice(AmqpMessages.inbox(engine, "book", "q").build());
      SimpleMessageListenerContainer container = new SimpleMessageListenerContainer();
      container.setQueueNames("other", "q");
      container.setMessageListener(message -> {});

      assertThatThrownBy(() -> advice.holdAtMost(Duration.ZERO))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> IdempotentRabbitListeners.protect(container, advice.parkTo("", "q")))
          .isInstanceOf(IdempotencySetupException.class)
          .hasMessageContaining("parks in its queue 'q' itself");
      assertThatCode(() -> IdempotentRabbitListeners.protect(container, advice.parkTo("x", "q")))
          .doesNotThrowAnyException();
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableRabbit
  @EnableIdempotency
  @Import(IdempotentRabbitConfiguration.class)
  static class Application {

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory() {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(new CachingConnectionFactory("localhost", 1));
      factory.setAutoStartup(false);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory managed() {
      SimpleRabbitListenerContainerFactory factory = rabbitListenerContainerFactory();
      factory.setTransactionManager(new RabbitTransactionManager());
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory gathering() {
      SimpleRabbitListenerContainerFactory factory = managed();
      factory.setBatchSize(2);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory several() {
      SimpleRabbitListenerContainerFactory factory = rabbitListenerContainerFactory();
      factory.setBatchSize(2);
      return factory;
    }

    @Bean
    DirectRabbitListenerContainerFactory early() {
      DirectRabbitListenerContainerFactory factory = direct();
      factory.setTransactionManager(new ResourcelessTransactionManager());
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory advised() {
      SimpleRabbitListenerContainerFactory factory = rabbitListenerContainerFactory();
      factory.setAdviceChain(
          new TransactionInterceptor(
              (TransactionManager) new ResourcelessTransactionManager(),
              new MatchAlwaysTransactionAttributeSource()));
      return factory;
    }

    @Bean
    DirectRabbitListenerContainerFactory direct() {
      DirectRabbitListenerContainerFactory factory = new DirectRabbitListenerContainerFactory();
      factory.setConnectionFactory(new CachingConnectionFactory("localhost", 1));
      factory.setTransactionManager(new RabbitTransactionManager());
      factory.setAutoStartup(false);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory transacted() {
      SimpleRabbitListenerContainerFactory factory = rabbitListenerContainerFactory();
      factory.setChannelTransacted(true);
      factory.setConsumerBatchEnabled(true);
      return factory;
    }
  }

  static class Manual {
    @RabbitListener(queues = "q", ackMode = "MANUAL")
    @Idempotent
    public void listen(String value) {}
  }

  static class Unacked {
    @RabbitListener(queues = "q", ackMode = "NONE")
    @Idempotent
    public void listen(String value) {}
  }

  static class Attempted {
    @RabbitListener(queues = "q", batch = "true")
    @Idempotent
    public void listen(List<String> values, Attempt attempt) {}
  }

  static class Sourced {
    @RabbitListener(queues = "q")
    @Idempotent(source = "#payload", caller = Idempotent.Caller.SHARED)
    public void listen(String value) {}
  }

  static class Managed {
    @RabbitListener(queues = "q", containerFactory = "managed", batch = "true")
    @Idempotent
    public void listen(List<String> values) {}
  }

  static class Gathering {
    @RabbitListener(queues = "q", containerFactory = "gathering")
    @Idempotent
    public void listen(String value) {}
  }

  static class Several {
    @RabbitListener(queues = "q", containerFactory = "several")
    @Idempotent
    public void listen(String value) {}
  }

  static class Early {
    @RabbitListener(queues = "q", containerFactory = "early")
    @Idempotent
    public void listen(String value) {}
  }

  static class Advised {
    @RabbitListener(queues = "q", containerFactory = "advised")
    @Idempotent
    public void listen(String value) {}
  }

  static class AdvisedBatch {
    @RabbitListener(queues = "q", containerFactory = "advised", batch = "true")
    @Idempotent
    public void listen(List<String> values) {}
  }

  static class Single {
    @RabbitListener(queues = "q", containerFactory = "managed")
    @Idempotent
    public void simple(String value) {}

    @RabbitListener(queues = "q", containerFactory = "direct")
    @Idempotent
    public void direct(String value) {}
  }

  static class Committed {
    @RabbitListener(queues = "q", containerFactory = "transacted", batch = "true")
    @Idempotent
    public void listen(List<String> values) {}
  }

  static class Answering {
    @RabbitListener(queues = "q")
    @Idempotent
    public String listen(String value) {
      return value;
    }
  }

  @RabbitListener(queues = "q")
  static class Handling {
    @RabbitHandler
    @Idempotent
    public void listen(String value) {}
  }

  /** As that of a database, which commits what the listener wrote when the inbox is done. */
  private static final class ResourcelessTransactionManager
      extends AbstractPlatformTransactionManager {

    private static final long serialVersionUID = 1L;

    @Override
    protected Object doGetTransaction() {
      return this;
    }

    @Override
    protected void doBegin(Object transaction, TransactionDefinition definition) {}

    @Override
    protected void doCommit(DefaultTransactionStatus status) {}

    @Override
    protected void doRollback(DefaultTransactionStatus status) {}
  }
}
