package io.idem.spring.rocketmq;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.Inbox;
import io.idem.rocketmq.ParkedMessages;
import io.idem.rocketmq.RocketMqMessages;
import io.idem.spring.CurrentAttempt;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import io.idem.testkit.TestPostgres;
import io.idem.testkit.TestRocketMq;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.time.LocalDate;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.annotation.ConsumeMode;
import org.apache.rocketmq.spring.annotation.RocketMQMessageListener;
import org.apache.rocketmq.spring.autoconfigure.RocketMQAutoConfiguration;
import org.apache.rocketmq.spring.core.RocketMQListener;
import org.apache.rocketmq.spring.core.RocketMQPushConsumerLifecycleListener;
import org.apache.rocketmq.spring.core.RocketMQTemplate;
import org.apache.rocketmq.spring.support.DefaultRocketMQListenerContainer;
import org.apache.rocketmq.spring.support.RocketMQHeaders;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.messaging.support.MessageBuilder;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/**
 * {@code @Idempotent} listeners of RocketMQ-Spring in an application, on a broker and PostgreSQL.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RocketMqListenerTest {

  private static final List<String> TOPICS =
      List.of("each", "busy", "ordered", "computed", "unparked", "plain", "parked");

  private final TestRocketMq rocketMq = TestRocketMq.shared();
  private final String run = UUID.randomUUID().toString();
  private ConfigurableApplicationContext context;
  private Effects effects;
  private Recorder recorder;

  @BeforeAll
  void start() throws Exception {
    DataSource dataSource = TestPostgres.shared().newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    for (String topic : TOPICS) {
      rocketMq.createTopic(topic(topic), 1);
    }
    context =
        new SpringApplicationBuilder(Application.class)
            .web(WebApplicationType.NONE)
            .initializers(
                application -> {
                  var registry =
                      (org.springframework.context.support.GenericApplicationContext) application;
                  registry.registerBean(DataSource.class, () -> dataSource);
                  registry.registerBean(Effects.class, () -> effects);
                })
            .properties(
                Map.of(
                    "run",
                    run,
                    "rocketmq.name-server",
                    rocketMq.address(),
                    "rocketmq.producer.group",
                    "tests"))
            .run();
    recorder = context.getBean(Recorder.class);
  }

  @AfterAll
  void stop() {
    if (context != null) {
      context.close();
    }
    effects.close();
  }

  @Test
  void eachMessageOfABatchIsSettledForItself() throws Exception {
    DefaultMQPushConsumer consumer = container("each").getConsumer();
    consumer.suspend(); // so that they are a batch
    send("each", "1", "a");
    send("each", "1", "a");
    send("each", "2", "fails once");
    send("each", null, "no key");
    send("each", "1", "another under the same key");
    send("each", "3", "c");
    send("each", "2", "fails once");
    consumer.resume();

    awaitEffects("each", "a", "fails once", "c");
    Together.awaitChecked("two parked messages", () -> recorder.parked.size() == 2);
    assertThat(recorder.parked)
        .containsExactlyInAnyOrder("no key NO_KEY", "another under the same key KEY_REUSED");
    // What stood before the failure runs again if it was in one transaction with it: the poll that
    // was open at the suspension brings the first message alone, or all come together.
    assertThat(runs("fails once")).isEqualTo(2);
    assertThat(runs("c")).isEqualTo(1);
    assertThat(runs("a")).isBetween(1L, 2L);
    assertThat(Set.copyOf(recorder.outgoing)).hasSize(3); // the same on redelivery
    assertThat(rocketMq.givenUp(group("each"))).isZero();
  }

  private long runs(String value) {
    return recorder.outgoing.stream().filter(sent -> sent.startsWith(value + " ")).count();
  }

  @Test
  void whatIsBusySpendsNoneOfTheDeliveriesThatFailuresHave() throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    Thread other = holdElsewhere("busy", "held", running, end);
    send("busy", "held", "m");

    // One failure is allowed.
    Together.await("busy answers", () -> effects.busy() > 2);
    assertThat(effects.all()).noneMatch(effect -> effect.startsWith("busy"));
    end.countDown();
    other.join();

    awaitEffects("busy", "m");
    assertThat(rocketMq.givenUp(group("busy"))).isZero();
  }

  @Test
  void anOrderlyListenerKeepsTheOrderAroundFailures() throws Exception {
    for (int i = 0; i < 10; i++) {
      send("ordered", "id" + i, "m" + i);
      send("ordered", "id" + i / 2, "m" + i / 2);
    }

    String[] expected = IntStream.range(0, 10).mapToObj(i -> "m" + i).toArray(String[]::new);
    awaitEffects("ordered", expected);
    assertThat(of("ordered")).containsExactly(expected);
    assertThat(recorder.failures).hasValue(2);
  }

  @Test
  void aKeyMayBeComputedFromWhatTheConverterReads() {
    RocketMQTemplate template = context.getBean(RocketMQTemplate.class);
    for (Order order : List.of(new Order("1", "x"), new Order("2", "y"), new Order("1", "x"))) {
      template.syncSend(
          topic("computed"),
          MessageBuilder.withPayload(order)
              .setHeader(RocketMQHeaders.KEYS, UUID.randomUUID().toString())
              .build());
    }

    awaitEffects("computed", "1 x 2026-11-26", "2 y 2026-11-26");
  }

  @Test
  void withoutAPlaceToParkTheBrokerPutsItAmongItsDeadLetters() throws Exception {
    send("unparked", null, "no key");
    send("unparked", "1", "a");

    awaitEffects("unparked", "a");
    Together.awaitChecked("a dead letter", () -> rocketMq.givenUp(group("unparked")) == 1);
  }

  @Test
  void otherListenersAreLeftAlone() throws Exception {
    send("plain", null, "a");
    send("plain", null, "a");

    Together.await("both", () -> recorder.plain.equals(List.of("a", "a")));
    assertThat(container("plain").getConsumer().getMessageListener().getClass().getEnclosingClass())
        .isEqualTo(DefaultRocketMQListenerContainer.class);
  }

  /** Another node runs a message's work, and fails when it may. */
  private Thread holdElsewhere(
      String listener, String id, CountDownLatch running, CountDownLatch end) throws Exception {
    Inbox<MessageExt> inbox =
        RocketMqMessages.inbox(effects.engine(), listener, group(listener)).build();
    MessageExt copy = new MessageExt();
    copy.setTopic(topic(listener));
    copy.setBody("m".getBytes(StandardCharsets.UTF_8));
    RocketMqMessages.stamp(copy, id);
    Thread thread =
        new Thread(
            () -> {
              try {
                inbox.consume(
                    copy,
                    (message, attempt) -> {
                      running.countDown();
                      end.await();
                      throw new SQLException("elsewhere");
                    });
              } catch (Exception e) {
                // as told
              }
            });
    thread.start();
    Together.await(running);
    return thread;
  }

  /** Sends a message, with an id if it is not null. */
  private void send(String listener, String id, String value) {
    Message message = new Message(topic(listener), value.getBytes(StandardCharsets.UTF_8));
    if (id != null) {
      RocketMqMessages.stamp(message, id);
    }
    rocketMq.send(message, 0);
  }

  private String topic(String listener) {
    return listener + "-" + run;
  }

  private String group(String listener) {
    return "group-" + topic(listener);
  }

  private DefaultRocketMQListenerContainer container(String listener) {
    return context.getBeansOfType(DefaultRocketMQListenerContainer.class).values().stream()
        .filter(container -> container.getTopic().equals(topic(listener)))
        .findFirst()
        .orElseThrow();
  }

  private void awaitEffects(String listener, String... values) {
    Together.await("the effects of " + listener, () -> of(listener).size() >= values.length);
    assertThat(of(listener)).containsExactlyInAnyOrder(values);
  }

  private List<String> of(String listener) {
    return effects.all().stream()
        .filter(effect -> effect.startsWith(listener + ":"))
        .map(effect -> effect.substring(listener.length() + 1))
        .toList();
  }

  /** What the listeners did. */
  static final class Recorder {
    final List<String> outgoing = new CopyOnWriteArrayList<>();
    final List<String> parked = new CopyOnWriteArrayList<>();
    final List<String> plain = new CopyOnWriteArrayList<>();
    final AtomicInteger failures = new AtomicInteger();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableIdempotency
  @EnableTransactionManagement
  @Import({
    IdempotentRocketMqConfiguration.class,
    Each.class,
    Busy.class,
    Ordered.class,
    Computed.class,
    Unparked.class,
    Plain.class
  })
  @ImportAutoConfiguration(RocketMQAutoConfiguration.class)
  static class Application {

    @Bean
    Recorder recorder() {
      return new Recorder();
    }

    @Bean
    PlatformTransactionManager transactions(DataSource dataSource) {
      return new JdbcTransactionManager(dataSource);
    }

    @Bean
    SpringTransactionalStore store(PlatformTransactionManager transactions, DataSource dataSource) {
      return new SpringTransactionalStore(
          transactions, dataSource, Dialect.of(dataSource), JdbcSettings.defaults());
    }

    @Bean(destroyMethod = "close")
    Idempotency idempotency(SpringTransactionalStore store, Effects effects) {
      return effects.engine(store);
    }

    @Bean
    Booking booking(DataSource dataSource) {
      return new Booking(new JdbcTemplate(dataSource));
    }

    @Bean
    InboxSettingsCustomizer impatient(Recorder recorder) {
      ParkedMessages parking =
          (message, why) -> recorder.parked.add(text(message) + " " + why.reason());
      return (settings, listener) -> {
        InboxSettings impatient = settings.waitForBusy(Duration.ofMillis(1), 1);
        return listener.getDeclaringClass() == Unparked.class
            ? impatient
            : impatient.parkWith(parking);
      };
    }
  }

  private static String text(MessageExt message) {
    return new String(message.getBody(), StandardCharsets.UTF_8);
  }

  /** Writes effects in Spring's transaction. */
  static class Booking {
    private final JdbcTemplate jdbc;

    Booking(JdbcTemplate jdbc) {
      this.jdbc = jdbc;
    }

    void book(String effect) {
      jdbc.execute(
          (Connection connection) -> {
            Effects.book(effect, connection);
            return null;
          });
    }
  }

  /** How the consumers of the tests are set. */
  interface Quick extends RocketMQPushConsumerLifecycleListener {

    @Override
    default void prepareStart(DefaultMQPushConsumer consumer) {
      consumer.setPollNameServerInterval(200);
      consumer.setHeartbeatBrokerInterval(200);
      consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    }
  }

  @RocketMQMessageListener(topic = "each-${run}", consumerGroup = "group-each-${run}")
  static class Each implements RocketMQListener<String>, Quick {

    private final Booking booking;
    private final Recorder recorder;

    Each(Booking booking, Recorder recorder) {
      this.booking = booking;
      this.recorder = recorder;
    }

    @Override
    public void prepareStart(DefaultMQPushConsumer consumer) {
      Quick.super.prepareStart(consumer);
      consumer.setConsumeMessageBatchMaxSize(10);
      consumer.setConsumeThreadMin(1);
      consumer.setConsumeThreadMax(1);
    }

    @Override
    @Idempotent(operation = "each", waitAtMost = "10ms", retryAfter = "10ms")
    @Transactional
    public void onMessage(String value) {
      recorder.outgoing.add(value + " " + CurrentAttempt.get().outgoingKey("receipt"));
      booking.book("each:" + value);
      if (value.equals("fails once")
          && recorder.outgoing.stream().filter(sent -> sent.startsWith(value)).count() == 1) {
        throw new IllegalStateException("once");
      }
    }
  }

  @RocketMQMessageListener(
      topic = "busy-${run}",
      consumerGroup = "group-busy-${run}",
      maxReconsumeTimes = 1)
  static class Busy implements RocketMQListener<MessageExt>, Quick {

    private final Booking booking;

    Busy(Booking booking) {
      this.booking = booking;
    }

    @Override
    @Idempotent(operation = "busy", waitAtMost = "10ms", retryAfter = "10ms")
    public void onMessage(MessageExt message) {
      booking.book("busy:" + text(message));
    }
  }

  @RocketMQMessageListener(
      topic = "ordered-${run}",
      consumerGroup = "group-ordered-${run}",
      consumeMode = ConsumeMode.ORDERLY,
      suspendCurrentQueueTimeMillis = 20)
  static class Ordered implements RocketMQListener<String>, Quick {

    private final Booking booking;
    private final Recorder recorder;

    Ordered(Booking booking, Recorder recorder) {
      this.booking = booking;
      this.recorder = recorder;
    }

    @Override
    @Idempotent(operation = "ordered")
    public void onMessage(String value) {
      booking.book("ordered:" + value);
      if (value.equals("m3") && recorder.failures.get() < 2) {
        recorder.failures.incrementAndGet();
        throw new IllegalStateException("twice");
      }
    }
  }

  /** What JSON is read into, a date among it. */
  record Order(String number, String item, LocalDate date) {
    Order(String number, String item) {
      this(number, item, LocalDate.of(2026, 11, 26));
    }
  }

  @RocketMQMessageListener(topic = "computed-${run}", consumerGroup = "group-computed-${run}")
  static class Computed implements RocketMQListener<Order>, Quick {

    private final Booking booking;

    Computed(Booking booking) {
      this.booking = booking;
    }

    @Override
    @Idempotent(operation = "computed", key = "#payload.number")
    public void onMessage(Order order) {
      booking.book("computed:" + order.number() + " " + order.item() + " " + order.date());
    }
  }

  @RocketMQMessageListener(
      topic = "unparked-${run}",
      consumerGroup = "group-unparked-${run}",
      delayLevelWhenNextConsume = -1)
  static class Unparked implements RocketMQListener<String>, Quick {

    private final Booking booking;

    Unparked(Booking booking) {
      this.booking = booking;
    }

    @Override
    @Idempotent(operation = "unparked")
    public void onMessage(String value) {
      booking.book("unparked:" + value);
    }
  }

  @RocketMQMessageListener(topic = "plain-${run}", consumerGroup = "group-plain-${run}")
  static class Plain implements RocketMQListener<String>, Quick {

    private final Recorder recorder;

    Plain(Recorder recorder) {
      this.recorder = recorder;
    }

    @Override
    public void onMessage(String value) {
      recorder.plain.add(value);
    }
  }
}
