package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.jdbc.datasource.DataSourceUtils;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.BatchMessageListener;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.GenericMessageListener;
import org.springframework.kafka.listener.KafkaMessageListenerContainer;
import org.springframework.kafka.listener.MessageListener;
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

  /** Why it is refused: the container commits what is before the place that it is told. */
  @Test
  void whatIsSaidToBeDoneIsRolledBackWithARecordThatIsNot() {
    ProxyFactory proxy = new ProxyFactory((BatchMessageListener<String, String>) this::book);
    proxy.addAdvice(around);
    proxy.addAdvice(advice());
    BatchMessageListener<String, String> listener = cast(proxy.getProxy());

    assertThatThrownBy(() -> listener.onMessage(List.of(record("1", "a"), record(null, "b"))))
        .isInstanceOfSatisfying(
            BatchListenerFailedException.class, failed -> assertThat(failed.getIndex()).isOne());

    assertThat(effects.all()).isEmpty();
  }

  @Test
  void suchATransactionIsRefusedAroundBatchesAlone() {
    KafkaMessageListenerContainer<String, String> batches =
        container((BatchMessageListener<String, String>) this::book);
    KafkaMessageListenerContainer<String, String> single =
        container((MessageListener<String, String>) record -> book(List.of(record)));

    assertThatThrownBy(() -> IdempotentKafkaListeners.protect(batches, advice()))
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("a listener of batches");
    assertThatCode(() -> IdempotentKafkaListeners.protect(single, advice()))
        .doesNotThrowAnyException();
  }

  private KafkaMessageListenerContainer<String, String> container(
      GenericMessageListener<?> listener) {
    ContainerProperties properties = new ContainerProperties("any");
    properties.setMessageListener(listener);
    properties.setAdviceChain(around);
    return new KafkaMessageListenerContainer<>(
        new DefaultKafkaConsumerFactory<>(Map.of()), properties);
  }

  private InboxAdvice advice() {
    return new InboxAdvice(
        Inbox.<ConsumerRecord<?, ?>>builder(engine, "book", KafkaMessages.reader())
            .consumerGroup("g")
            .build());
  }

  private void book(List<ConsumerRecord<String, String>> records) {
    try {
      for (ConsumerRecord<String, String> record : records) {
        Effects.book(record.value(), DataSourceUtils.getConnection(database));
      }
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  @SuppressWarnings("unchecked") // the proxy is of the listener's own type
  private static BatchMessageListener<String, String> cast(Object proxy) {
    return (BatchMessageListener<String, String>) proxy;
  }

  private static ConsumerRecord<String, String> record(String id, String value) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>("any", 0, 0, null, value);
    if (id != null) {
      record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    }
    return record;
  }
}
