package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Attempt;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.spring.Idempotent;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.lang.reflect.Type;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ConcurrentKafkaListenerContainerFactory;
import org.springframework.kafka.config.KafkaListenerEndpointRegistry;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.DefaultErrorHandler;
import org.springframework.kafka.listener.MessageListenerContainer;
import org.springframework.kafka.support.converter.MessagingMessageConverter;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;
import org.springframework.util.backoff.FixedBackOff;

/** {@code @KafkaListener} methods that are {@code @Idempotent}, on a real broker and database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class KafkaListenerContract {

  private final Broker broker = Broker.shared();
  private final String run = UUID.randomUUID().toString();
  private AnnotationConfigApplicationContext context;
  private Recorder recorder;
  private Effects effects;

  abstract DataSource newDatabase();

  @BeforeAll
  void start() throws Exception {
    broker.createTopics(
        List.of(topic("one"), topic("many"), topic("told"), topic("polled"), topic("computed")));
    context = ListenerApplication.start(newDatabase(), run, Application.class);
    effects = context.getBean(Effects.class);
    recorder = context.getBean(Recorder.class);
  }

  @AfterAll
  void stop() {
    context.close();
  }

  @BeforeEach
  void forget() {
    effects.clear();
    recorder.recovered.clear();
    recorder.outgoing.clear();
    recorder.calls.set(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "many", "told", "polled"})
  void duplicatesHaveOneEffectAlsoAfterACrashBeforeTheCommit(String listener) throws Exception {
    long before = broker.committed(group(listener), topic(listener));
    MessageListenerContainer container = container(listener);
    stop(container); // so that a batch listener meets duplicates inside of one batch
    for (int i = 0; i < 10; i++) {
      send(listener, "dup" + i, "m" + i);
      send(listener, "dup" + i / 2, "m" + i / 2);
    }
    container.start();
    awaitCommitted(listener, before + 20);
    assertThat(effects.all())
        .containsExactlyElementsOf(IntStream.range(0, 10).mapToObj(i -> "m" + i).toList());
    stop(container);
    broker.forgetOffsets(group(listener), topic(listener), before);
    int calls = recorder.calls.get();

    container.start();
    awaitCommitted(listener, before + 20);

    assertThat(recorder.calls).hasValue(calls);
    assertThat(effects.all()).hasSize(10);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "many", "told", "polled"})
  void poisonIsRecoveredAndTheRestIsConsumed(String listener) throws Exception {
    long before = broker.committed(group(listener), topic(listener));
    MessageListenerContainer container = container(listener);
    stop(container);
    send(listener, "p1", "a");
    send(listener, null, "no key");
    send(listener, "p1", "another");
    send(listener, "p2", "bad");
    send(listener, "p3", "c");
    container.start();

    awaitCommitted(listener, before + 5);

    assertThat(effects.all()).containsExactly("a", "c");
    assertThat(recorder.recovered).containsExactly("no key", "another", "bad");
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "many"})
  void aBusyRecordIsReadAgainUntilItIsNot(String listener) throws Exception {
    long before = broker.committed(group(listener), topic(listener));
    MessageListenerContainer container = container(listener);
    stop(container);
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Inbox<ConsumerRecord<String, String>> inbox =
        KafkaMessages.<String, String>inbox(effects.engine(), listener, group(listener)).build();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () ->
                assertThatThrownBy(
                        () ->
                            inbox.consume(
                                record("busy", "held"),
                                (held, attempt) -> {
                                  running.countDown();
                                  Together.await(end);
                                  throw new SQLException("given up");
                                }))
                    .isInstanceOf(SQLException.class));
    Together.await(running);
    send(listener, "first", "before");
    send(listener, "busy", "held");
    send(listener, "last", "behind");
    container.start();

    // More than the retries that a failure has.
    Together.await("nine busy answers", () -> effects.busy() > 8);

    assertThat(broker.committed(group(listener), topic(listener))).isEqualTo(before + 1);
    assertThat(effects.all()).containsExactly("before");
    end.countDown();
    other.get(60, TimeUnit.SECONDS);
    awaitCommitted(listener, before + 3);

    assertThat(effects.all()).containsExactly("before", "held", "behind");
    assertThat(recorder.recovered).isEmpty();
  }

  @Test
  void aKeyMayBeComputed() throws Exception {
    long before = broker.committed(group("computed"), topic("computed"));
    send("computed", null, "x:1");
    send("computed", null, "y:1");
    send("computed", null, "x:2");

    awaitCommitted("computed", before + 3);

    assertThat(effects.all()).containsExactly("x:1", "x:2");
    assertThat(recorder.recovered).containsExactly("y:1"); // another message under the same key
  }

  @Test
  void anOutgoingKeyOfTheAttemptIsTheSameOnEveryRedelivery() throws Exception {
    long before = broker.committed(group("one"), topic("one"));
    send("one", "o1", "bad");
    send("one", "o2", "good");

    awaitCommitted("one", before + 2);

    assertThat(recorder.outgoing).hasSize(3 + 1);
    assertThat(Set.copyOf(recorder.outgoing)).hasSize(2);
    assertThat(effects.all()).containsExactly("good");
  }

  private String group(String listener) {
    return "group-" + listener + "-" + run;
  }

  private String topic(String listener) {
    return listener + "-" + run;
  }

  private void send(String listener, String id, String value) throws Exception {
    broker.send(topic(listener), id, value);
  }

  private MessageListenerContainer container(String listener) {
    return context
        .getBean(KafkaListenerEndpointRegistry.class)
        .getListenerContainer(listener + "-" + run);
  }

  private static void stop(MessageListenerContainer container) throws Exception {
    CountDownLatch stopped = new CountDownLatch(1);
    container.stop(stopped::countDown);
    Together.await(stopped);
  }

  private void awaitCommitted(String listener, long offset) {
    Together.awaitChecked(
        "the commit of offset " + offset,
        () -> broker.committed(group(listener), topic(listener)) == offset);
  }

  private static ConsumerRecord<String, String> record(String id, String value) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>("any", 0, 0, null, value);
    record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    return record;
  }

  /** What listeners did and what was given up. */
  static final class Recorder {
    final List<String> recovered = new CopyOnWriteArrayList<>();
    final List<String> outgoing = new CopyOnWriteArrayList<>();
    final AtomicInteger calls = new AtomicInteger();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableTransactionManagement
  @Import(ListenerApplication.class)
  static class Application {

    @Bean
    Recorder recorder() {
      return new Recorder();
    }

    @Bean
    ConcurrentKafkaListenerContainerFactory<String, String> kafkaListenerContainerFactory(
        Recorder recorder) {
      ConcurrentKafkaListenerContainerFactory<String, String> factory =
          new ConcurrentKafkaListenerContainerFactory<>();
      factory.setConsumerFactory(Broker.shared().consumers());
      factory.getContainerProperties().setPollTimeout(100);
      factory.setRecordMessageConverter(new TypedConverter());
      factory.setCommonErrorHandler(
          new DefaultErrorHandler(
              (record, e) -> recorder.recovered.add((String) record.value()),
              new FixedBackOff(10, 2)));
      return factory;
    }

    @Bean
    Listeners listeners(DataSource dataSource, Recorder recorder) {
      return new Listeners(new JdbcTemplate(dataSource), recorder);
    }
  }

  /** Reads what the listener takes, as converters do that read JSON. */
  private static final class TypedConverter extends MessagingMessageConverter {

    @Override
    protected Object extractAndConvertValue(ConsumerRecord<?, ?> record, Type type) {
      assertThat(type).isEqualTo(String.class);
      return record.value();
    }
  }

  /** The listeners of the application; each writes its effects in Spring's transaction. */
  static class Listeners {

    private final JdbcTemplate jdbc;
    private final Recorder recorder;

    Listeners(JdbcTemplate jdbc, Recorder recorder) {
      this.jdbc = jdbc;
      this.recorder = recorder;
    }

    @KafkaListener(
        id = "one-${run}",
        idIsGroup = false,
        groupId = "group-one-${run}",
        topics = "one-${run}")
    @Idempotent(operation = "one", waitAtMost = "20ms", retryAfter = "20ms")
    @Transactional
    public void one(Attempt attempt, String value) {
      recorder.outgoing.add(value + " " + attempt.outgoingKey("receipt"));
      book(value);
    }

    @KafkaListener(
        id = "many-${run}",
        idIsGroup = false,
        groupId = "group-many-${run}",
        topics = "many-${run}",
        batch = "true")
    @Idempotent(operation = "many", waitAtMost = "20ms", retryAfter = "20ms")
    public void many(List<String> values) {
      values.forEach(this::book);
    }

    @KafkaListener(
        id = "told-${run}",
        idIsGroup = false,
        groupId = "group-told-${run}",
        topics = "told-${run}",
        batch = "true")
    @Idempotent(operation = "told")
    public void told(List<ConsumerRecord<String, String>> records) {
      for (int i = 0; i < records.size(); i++) {
        try {
          book(records.get(i).value());
        } catch (IllegalArgumentException e) {
          throw new BatchListenerFailedException("failed", e, i);
        }
      }
    }

    @KafkaListener(
        id = "polled-${run}",
        idIsGroup = false,
        groupId = "group-polled-${run}",
        topics = "polled-${run}",
        batch = "true")
    @Idempotent(operation = "polled")
    public void polled(org.apache.kafka.clients.consumer.ConsumerRecords<String, String> records) {
      List<String> values = new ArrayList<>();
      records.forEach(record -> values.add(record.value()));
      values.forEach(this::book);
    }

    @KafkaListener(groupId = "group-computed-${run}", topics = "computed-${run}")
    @Idempotent(operation = "computed", key = "#payload.split(':')[1]")
    public void computed(String value) {
      book(value);
    }

    private void book(String value) {
      recorder.calls.incrementAndGet();
      jdbc.execute(
          (Connection connection) -> {
            Effects.book(value, connection);
            return null;
          });
      if (value.equals("bad")) {
        throw new IllegalArgumentException("bad");
      }
    }
  }
}
