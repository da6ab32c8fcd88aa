package io.idem.spring.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.kafka.KafkaMessages;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.spring.Idempotent;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.kafka.annotation.KafkaListener;
import org.springframework.kafka.config.ShareKafkaListenerContainerFactory;

/** {@code @Idempotent} listeners of share groups, on a real broker. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ShareListenerTest {

  private final Broker broker = Broker.shared();
  private final String run = UUID.randomUUID().toString();
  private final String topic = "shared-" + run;
  private AnnotationConfigApplicationContext context;
  private Recorder recorder;
  private Effects effects;

  @BeforeAll
  void start() throws Exception {
    JdbcDataSource dataSource = new JdbcDataSource();
    dataSource.setURL("jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1");
    broker.createTopics(List.of(topic));
    context = ListenerApplication.start(dataSource, run, Application.class);
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
    recorder.calls.clear();
    recorder.kept.clear();
  }

  @Test
  void duplicatesHaveOneEffectAndPoisonIsKept() throws Exception {
    broker.send(topic, "1", "a");
    broker.send(topic, "1", "a");
    broker.send(topic, null, "no key");
    broker.send(topic, "1", "another");
    broker.send(topic, "2", "bad");
    broker.send(topic, "3", "c");

    Together.await("three that are kept", () -> recorder.kept.size() == 3);
    Together.await("what is behind them", () -> effects.all().size() == 2);
    // That tells one poll from the next, and the application's own is still told.
    Together.await("the commits of five deliveries", () -> recorder.committed.get() >= 5);

    assertThat(effects.all()).containsExactlyInAnyOrder("a", "c");
    assertThat(recorder.kept).containsExactlyInAnyOrder("no key 1", "another 1", "bad 5");
    assertThat(recorder.calls)
        .containsExactlyInAnyOrder("a 1", "bad 1", "bad 2", "bad 3", "bad 4", "bad 5", "c 1");
  }

  @Test
  void aBusyRecordWaitsInTheListenerAndSpendsNoDelivery() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Inbox<ConsumerRecord<String, String>> elsewhere =
        KafkaMessages.<String, String>inbox(effects.engine(), "shared", "group-" + run).build();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () ->
                assertThatThrownBy(
                        () ->
                            elsewhere.consume(
                                record("busy", "held"),
                                (held, attempt) -> {
                                  running.countDown();
                                  Together.await(end);
                                  throw new SQLException("given up");
                                }))
                    .isInstanceOf(SQLException.class));
    Together.await(running);
    broker.send(topic, "busy", "held");

    // More than the deliveries that the broker allows.
    Together.await("nine busy answers", () -> effects.busy() > 8);
    assertThat(recorder.calls).isEmpty();
    end.countDown();
    other.get(60, TimeUnit.SECONDS);
    Together.await("the effect", () -> effects.all().size() == 1);

    assertThat(recorder.calls).containsExactly("held 1");
    assertThat(recorder.kept).isEmpty();
  }

  private static ConsumerRecord<String, String> record(String id, String value) {
    ConsumerRecord<String, String> record = new ConsumerRecord<>("any", 0, 0, null, value);
    record.headers().add(MessageIds.HEADER, id.getBytes(StandardCharsets.UTF_8));
    return record;
  }

  @Configuration(proxyBeanMethods = false)
  @Import(ListenerApplication.class)
  static class Application {

    @Bean
    ShareKafkaListenerContainerFactory<String, String> share(
        Recorder recorder, @Value("group-${run}") String group) throws Exception {
      ShareKafkaListenerContainerFactory<String, String> factory =
          new ShareKafkaListenerContainerFactory<>(Broker.shared().shareConsumers(group));
      factory
          .getContainerProperties()
          .setAcknowledgementCommitCallback(
              (offsets, failure) -> recorder.committed.incrementAndGet());
      factory.setShareConsumerRecordRecoverer(
          InboxShareRecoverer.keepingIn((record, thrown) -> recorder.kept.add(told(record))));
      return factory;
    }

    @Bean
    Recorder recorder() {
      return new Recorder();
    }

    @Bean
    Listeners listeners(DataSource dataSource, Recorder recorder) {
      return new Listeners(new JdbcTemplate(dataSource), recorder);
    }
  }

  private static String told(ConsumerRecord<?, ?> record) {
    return record.value() + " " + record.deliveryCount().orElse((short) 0);
  }

  /** What the listener was given and what was kept, with the number of the delivery. */
  static final class Recorder {
    final List<String> calls = new CopyOnWriteArrayList<>();
    final List<String> kept = new CopyOnWriteArrayList<>();
    final AtomicInteger committed = new AtomicInteger();
  }

  /** The listener; its effects are in Spring's transaction. */
  static class Listeners {

    private final JdbcTemplate jdbc;
    private final Recorder recorder;

    Listeners(JdbcTemplate jdbc, Recorder recorder) {
      this.jdbc = jdbc;
      this.recorder = recorder;
    }

    @KafkaListener(topics = "shared-${run}", groupId = "group-${run}", containerFactory = "share")
    @Idempotent(operation = "shared", waitAtMost = "20ms", retryAfter = "20ms")
    public void listen(ConsumerRecord<String, String> record) {
      recorder.calls.add(told(record));
      jdbc.execute(
          (Connection connection) -> {
            Effects.book(record.value(), connection);
            return null;
          });
      if (record.value().equals("bad")) {
        throw new IllegalArgumentException("bad");
      }
    }
  }
}
