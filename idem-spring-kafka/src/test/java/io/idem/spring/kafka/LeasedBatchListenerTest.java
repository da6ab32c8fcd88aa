package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Disposition;
import io.idem.core.Idempotency;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.MessageFailedException;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import io.idem.testkit.Together;
import java.net.ConnectException;
import java.net.SocketTimeoutException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.MapPropertySource;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.kafka.annotation.EnableKafka;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.listener.adapter.RecordFilterStrategy;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.util.backoff.FixedBackOff;

/** Leased batch listeners that say which of their records has failed, on a real broker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class LeasedBatchListenerTest {

  private static final List<String> LISTENERS =
      List.of(
          "one",
          "indexed",
          "named",
          "copied",
          "bare",
          "rolled",
          "filtered",
          "filteredbare",
          "inbox");

  private final Broker broker = Broker.shared();
  private final String run = UUID.randomUUID().toString();
  private AnnotationConfigApplicationContext context;
  private Gateway gateway;

  @BeforeAll
  void start() throws Exception {
    broker.createTopics(LISTENERS.stream().map(this::topic).toList());
    context = new AnnotationConfigApplicationContext();
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("run", run)));
    context.register(Application.class);
    context.refresh();
    gateway = context.getBean(Gateway.class);
  }

  @AfterAll
  void stop() {
    context.close();
  }

  @BeforeEach
  void forget() {
    gateway.charged.clear();
    gateway.lists.clear();
    gateway.recovered.clear();
    gateway.unreachable.set(0);
  }

  /** What the batches are held against. */
  @Test
  void aListenerOfSingleRecordsIsGivenTheFailedOneAgain() throws Exception {
    gateway.unreachable.set(2);

    consume("one", "a", "unreachable", "c");

    assertThat(gateway.charged).containsExactly("a", "unreachable", "c");
    assertThat(gateway.recovered).isEmpty();
  }

  @Test
  void whatStandsBeforeTheFailedRecordIsDoneAndTheRestIsDeliveredAgain() throws Exception {
    gateway.unreachable.set(2);

    consume("indexed", "a", "b", "unreachable", "c", "d");

    assertThat(gateway.lists)
        .containsExactly(
            List.of("a", "b", "unreachable", "c", "d"),
            List.of("unreachable", "c", "d"),
            List.of("unreachable", "c", "d"));
    assertThat(gateway.charged).containsExactly("a", "b", "unreachable", "c", "d");
    assertThat(gateway.recovered).isEmpty();
  }

  @Test
  void theFailedRecordMayBeNamedByItself() throws Exception {
    gateway.unreachable.set(1);

    consume("named", "a", "unreachable", "c");

    assertThat(gateway.lists)
        .containsExactly(List.of("a", "unreachable", "c"), List.of("unreachable", "c"));
    assertThat(gateway.charged).containsExactly("a", "unreachable", "c");
    assertThat(gateway.recovered).isEmpty();
  }

  @Test
  void aFailureWithoutACauseIsJudgedByItself() throws Exception {
    gateway.unreachable.set(1);

    consume("bare", "a", "unreachable", "c");

    assertThat(gateway.charged).containsExactly("a", "unreachable", "c");
    assertThat(gateway.recovered).isEmpty();
  }

  @Test
  void aRecordThatFailsForEverIsRecoveredAloneAfterItsRetries() throws Exception {
    gateway.unreachable.set(Integer.MAX_VALUE);

    consume("indexed", "a", "unreachable", "c");

    assertThat(gateway.charged).containsExactly("a", "c");
    assertThat(gateway.recovered).containsExactly("unreachable ConnectException");
  }

  @Test
  void anUnknownOutcomeParksTheRestButNotWhatIsDone() throws Exception {
    consume("indexed", "a", "timeout", "c");

    assertThat(gateway.lists).containsExactly(List.of("a", "timeout", "c"));
    assertThat(gateway.charged).containsExactly("a");
    assertThat(gateway.recovered)
        .containsExactly("timeout DeliveryParkedException", "c DeliveryParkedException");
  }

  /** What the listener did before the place is rolled back with the rest: nothing is done. */
  @Test
  void aListenerInATransactionOfItsOwnHasDoneNothingThatIsCertain() throws Exception {
    gateway.unreachable.set(1);

    consume("rolled", "a", "unreachable");

    assertThat(gateway.recovered)
        .containsExactly("a DeliveryParkedException", "unreachable DeliveryParkedException");
  }

  /** The place is one in the list that the filter has left, and would name another record. */
  @Test
  void aPlaceBehindAFilterIsNone() throws Exception {
    gateway.unreachable.set(1);

    consume("filtered", "skipped", "a", "unreachable");

    assertThat(gateway.lists).containsExactly(List.of("a", "unreachable"));
    assertThat(gateway.charged).containsExactly("a");
    assertThat(gateway.recovered)
        .containsExactly(
            "skipped DeliveryParkedException",
            "a DeliveryParkedException",
            "unreachable DeliveryParkedException");
  }

  /** What is done is not done again, even where the operation releases for the exception itself. */
  @Test
  void aPlaceThatIsOfNoUseLeavesAllUnknownWhateverIsReleased() throws Exception {
    gateway.unreachable.set(1);
    consume("filteredbare", "skipped", "a", "unreachable");
    assertThat(gateway.lists).containsExactly(List.of("a", "unreachable"));
    assertThat(gateway.charged).containsExactly("a");

    forget();
    gateway.unreachable.set(1);
    consume("copied", "a", "unreachable");
    assertThat(gateway.charged).containsExactly("a");
    assertThat(gateway.recovered)
        .containsExactly("a DeliveryParkedException", "unreachable DeliveryParkedException");
  }

  /** It knows its own list alone, and not the deliveries. */
  @Test
  void aListenerThatThrowsTheInboxesOwnExceptionTellsNoPlace() throws Exception {
    gateway.unreachable.set(1);

    consume("inbox", "a", "unreachable", "c");

    assertThat(gateway.charged).containsExactly("a");
    assertThat(gateway.recovered)
        .containsExactly(
            "a DeliveryParkedException",
            "unreachable DeliveryParkedException",
            "c DeliveryParkedException");
  }

  /** Has a listener consume records in one poll, each under a key of its own. */
  private void consume(String listener, String... values) throws Exception {
    MessageListenerContainer container =
        context
            .getBean(KafkaListenerEndpointRegistry.class)
            .getListenerContainer(listener + "-" + run);
    CountDownLatch stopped = new CountDownLatch(1);
    container.stop(stopped::countDown);
    Together.await(stopped);
    long before = broker.committed("group-" + listener + "-" + run, topic(listener));
    for (String value : values) {
      broker.send(topic(listener), UUID.randomUUID().toString(), value);
    }
    container.start();
    Together.awaitChecked(
        "the commit of all records",
        () ->
            broker.committed("group-" + listener + "-" + run, topic(listener))
                == before + values.length);
  }

  private String topic(String listener) {
    return "leased-" + listener + "-" + run;
  }

  /** Another system, which can do nothing about what it has done. */
  static final class Gateway {
    final List<String> charged = new CopyOnWriteArrayList<>();
    final List<List<String>> lists = new CopyOnWriteArrayList<>();
    final List<String> recovered = new CopyOnWriteArrayList<>();

    /** How often it cannot be reached yet. */
    final AtomicInteger unreachable = new AtomicInteger();

    void charge(String value) throws Exception {
      if (value.equals("unreachable") && unreachable.getAndDecrement() > 0) {
        throw new ConnectException("refused");
      } else if (value.equals("timeout")) {
        throw new SocketTimeoutException("no answer");
      }
      charged.add(value);
    }
  }

  @Configuration(proxyBeanMethods = false)
  @EnableKafka
  @EnableIdempotency
  @EnableTransactionManagement
  @Import(IdempotentKafkaConfiguration.class)
  static class Application {

    @Bean
    Gateway gateway() {
      return new Gateway();
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency() {
      return Idempotency.inMemory();
    }

    @Bean
    PlatformTransactionManager transactions() {
      JdbcDataSource dataSource = new JdbcDataSource();
      dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID());
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory(
        Gateway gateway) {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(Broker.shared().consumers());
      factory.getContainerProperties().setPollTimeout(100);
      factory.setCommonErrorHandler(
          new DefaultErrorHandler(
              (record, e) -> gateway.recovered.add(record.value() + " " + reason(e)),
              new FixedBackOff(10, 2)));
      return factory;
    }

    private static String reason(Throwable failure) {
      Throwable at = failure;
      while (at.getCause() != null && !(at instanceof DeliveryParkedException)) {
        at = at.getCause();
      }
      return at.getClass().getSimpleName();
    }

    @Bean
    RecordFilterStrategy<String, String> withoutSkipped() {
      return record -> record.value().equals("skipped");
    }

    @Bean
    Listeners listeners(Gateway gateway) {
      return new Listeners(gateway);
    }
  }

  static class Listeners {

    private final Gateway gateway;

    Listeners(Gateway gateway) {
      this.gateway = gateway;
    }

    @KafkaListener(
        id = "one-${run}",
        idIsGroup = false,
        groupId = "group-one-${run}",
        topics = "leased-one-${run}")
    @Idempotent(operation = "one", releaseOn = ConnectException.class)
    public void one(String value) throws Exception {
      gateway.charge(value);
    }

    @KafkaListener(
        id = "indexed-${run}",
        idIsGroup = false,
        groupId = "group-indexed-${run}",
        topics = "leased-indexed-${run}",
        batch = "true")
    @Idempotent(operation = "indexed", releaseOn = ConnectException.class)
    public void indexed(List<String> values) {
      charge(values);
    }

    @KafkaListener(
        id = "named-${run}",
        idIsGroup = false,
        groupId = "group-named-${run}",
        topics = "leased-named-${run}",
        batch = "true")
    @Idempotent(operation = "named", releaseOn = ConnectException.class)
    public void named(List<ConsumerRecord<String, String>> records) {
      charge(values(records), (i, e) -> failed(e, records.get(i)));
    }

    @KafkaListener(
        id = "bare-${run}",
        idIsGroup = false,
        groupId = "group-bare-${run}",
        topics = "leased-bare-${run}",
        batch = "true")
    @Idempotent(operation = "bare", releaseOn = BatchListenerFailedException.class)
    public void bare(List<String> values) {
      charge(values, (i, e) -> new BatchListenerFailedException("failed", i));
    }

    @KafkaListener(
        id = "rolled-${run}",
        idIsGroup = false,
        groupId = "group-rolled-${run}",
        topics = "leased-rolled-${run}",
        batch = "true")
    @Idempotent(operation = "rolled", releaseOn = ConnectException.class)
    @Transactional
    public void rolled(List<String> values) {
      charge(values);
    }

    @KafkaListener(
        id = "filtered-${run}",
        idIsGroup = false,
        groupId = "group-filtered-${run}",
        topics = "leased-filtered-${run}",
        filter = "withoutSkipped",
        batch = "true")
    @Idempotent(operation = "filtered", releaseOn = ConnectException.class)
    public void filtered(List<String> values) {
      charge(values);
    }

    @KafkaListener(
        id = "filteredbare-${run}",
        idIsGroup = false,
        groupId = "group-filteredbare-${run}",
        topics = "leased-filteredbare-${run}",
        filter = "withoutSkipped",
        batch = "true")
    @Idempotent(operation = "filteredbare", releaseOn = BatchListenerFailedException.class)
    public void filteredBare(List<String> values) {
      charge(values);
    }

    @KafkaListener(
        id = "copied-${run}",
        idIsGroup = false,
        groupId = "group-copied-${run}",
        topics = "leased-copied-${run}",
        batch = "true")
    @Idempotent(operation = "copied", onOtherFailure = Disposition.RELEASE)
    public void copied(List<ConsumerRecord<String, String>> records) {
      charge(
          values(records),
          (i, e) -> failed(e, new ConsumerRecord<>(records.get(i).topic(), 99, 0, "", "")));
    }

    @KafkaListener(
        id = "inbox-${run}",
        idIsGroup = false,
        groupId = "group-inbox-${run}",
        topics = "leased-inbox-${run}",
        batch = "true")
    @Idempotent(operation = "inbox", releaseOn = ConnectException.class)
    public void inbox(List<String> values) {
      charge(values, MessageFailedException::new);
    }

    private void charge(List<String> values) {
      charge(values, (i, e) -> new BatchListenerFailedException("failed", e, i));
    }

    private void charge(
        List<String> values, BiFunction<Integer, Exception, RuntimeException> failure) {
      gateway.lists.add(new ArrayList<>(values));
      for (int i = 0; i < values.size(); i++) {
        try {
          gateway.charge(values.get(i));
        } catch (Exception e) {
          throw failure.apply(i, e);
        }
      }
    }

    private static List<String> values(List<ConsumerRecord<String, String>> records) {
      return records.stream().map(ConsumerRecord::value).toList();
    }

    private static RuntimeException failed(Exception cause, ConsumerRecord<?, ?> record) {
      return new BatchListenerFailedException("failed", cause, record);
    }
  }
}
