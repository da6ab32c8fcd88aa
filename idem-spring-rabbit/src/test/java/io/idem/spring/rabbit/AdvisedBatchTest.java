package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Channel;
import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.MessageIds;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.core.BatchMessageListener;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageListener;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.rabbit.listener.SimpleMessageListenerContainer;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.TransactionManager;
import org.springframework.transaction.interceptor.MatchAlwaysTransactionAttributeSource;
import org.springframework.transaction.interceptor.TransactionInterceptor;

/** A transaction of the advice chain around the inbox of a batch, which joins it. */
class AdvisedBatchTest {

  private final JdbcDataSource database = new JdbcDataSource();
  private final JdbcTransactionManager transactions = new JdbcTransactionManager(database);
  private final TransactionInterceptor around =
      new TransactionInterceptor(
          (TransactionManager) transactions, new MatchAlwaysTransactionAttributeSource());
  private Effects effects;
  private Idempotency engine;

  @BeforeEach
  void create() throws SQLException {
    database.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    new JdbcSchema(database, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(database, JdbcTransactionalStore::new);
    engine =
        effects.engine(
            new SpringTransactionalStore(
                transactions, database, Dialect.of(database), JdbcSettings.defaults()));
  }

  @AfterEach
  void close() {
    engine.close();
    effects.close();
  }

  /** Why it is refused: the deliveries that are acknowledged have no effect. */
  @Test
  void whatIsAcknowledgedIsRolledBackWithAMessageThatIsRejected() {
    List<String> settled = new ArrayList<>();
    InboxAdviceTest.Invoker listener = (channel, received) -> book((List<?>) received);
    ProxyFactory proxy = new ProxyFactory(listener);
    proxy.addAdvice(around);
    proxy.addAdvice(advice());

    assertThatThrownBy(
            () ->
                ((InboxAdviceTest.Invoker) proxy.getProxy())
                    .invokeListener(
                        channel(settled), List.of(message(1, "1", "a"), message(2, null, "b"))))
        .isInstanceOf(AmqpRejectAndDontRequeueException.class);

    assertThat(settled).containsExactly("basicAck 1");
    assertThat(effects.all()).isEmpty();
  }

  @Test
  void suchATransactionIsRefusedAroundBatchesAlone() {
    SimpleMessageListenerContainer batches = container((BatchMessageListener) this::book);
    SimpleMessageListenerContainer single = container(message -> book(List.of(message)));

    assertThatThrownBy(() -> IdempotentRabbitListeners.protect(batches, advice()))
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("a listener of batches");
    assertThatCode(() -> IdempotentRabbitListeners.protect(single, advice()))
        .doesNotThrowAnyException();
  }

  private SimpleMessageListenerContainer container(MessageListener listener) {
    SimpleMessageListenerContainer container = new SimpleMessageListenerContainer();
    container.setMessageListener(listener);
    container.setAdviceChain(around);
    return container;
  }

  private InboxAdvice advice() {
    return new InboxAdvice(AmqpMessages.inbox(engine, "book", "q").build());
  }

  private void book(List<?> messages) {
    try {
      for (Object each : messages) {
        Effects.book(
            new String(((Message) each).getBody(), StandardCharsets.UTF_8),
            DataSourceUtils.getConnection(database));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Message message(long tag, String id, String value) {
    MessageProperties properties = new MessageProperties();
    properties.setConsumerQueue("q");
    properties.setDeliveryTag(tag);
    if (id != null) {
      properties.setHeader(MessageIds.HEADER, id);
    }
    return new Message(value.getBytes(StandardCharsets.UTF_8), properties);
  }

  /** Notes which deliveries are settled. */
  private static Channel channel(List<String> settled) {
    return (Channel)
        Proxy.newProxyInstance(
            Channel.class.getClassLoader(),
            new Class<?>[] {Channel.class},
            (proxy, method, arguments) -> {
              settled.add(method.getName() + " " + arguments[0]);
              return null;
            });
  }
}
