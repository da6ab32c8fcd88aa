package io.idem.spring.jms;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jms.JmsMessages;
import io.idem.jms.ParkedMessages;
import io.idem.messaging.Inbox;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import jakarta.jms.Connection;
import jakarta.jms.ConnectionFactory;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
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
import org.springframework.core.env.MapPropertySource;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.jms.annotation.EnableJms;
import org.springframework.jms.annotation.JmsListener;
import org.springframework.jms.config.DefaultJmsListenerContainerFactory;
import org.springframework.jms.config.JmsListenerEndpointRegistry;
import org.springframework.jms.connection.CachingConnectionFactory;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.jms.listener.DefaultMessageListenerContainer;
import org.springframework.jms.listener.MessageListenerContainer;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** {@code @JmsListener} methods that are {@code @Idempotent}, on a server and a database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class JmsListenerContract {

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String run = UUID.randomUUID().toString();
  private final CachingConnectionFactory connections =
      new CachingConnectionFactory(EmbeddedArtemis.connections());
  private final JmsTemplate template = new JmsTemplate(connections);
  private AnnotationConfigApplicationContext context;
  private Effects effects;
  private Recorder recorder;

  abstract DataSource newDatabase();

  @BeforeAll
  void start() throws Exception {
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    template.setReceiveTimeout(PATIENCE.toMillis());
    context = new AnnotationConfigApplicationContext();
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("run", run)));
    context.registerBean(DataSource.class, () -> dataSource);
    context.registerBean(Effects.class, () -> effects);
    context.register(Application.class);
    context.refresh();
    recorder = context.getBean(Recorder.class);
  }

  @AfterAll
  void stop() {
    if (context != null) {
      context.close();
    }
    connections.destroy();
  }

  @BeforeEach
  void forget() {
    effects.clear();
    recorder.calls.set(0);
    recorder.outgoing.clear();
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "client"})
  void duplicatesHaveOneEffect(String listener) throws Exception {
    for (int i = 0; i < 5; i++) {
      send(listener, "dup" + i, "m" + i);
      send(listener, "dup" + i / 2, "m" + i / 2);
    }

    awaitEffects(5, listener);
    assertThat(effects.all())
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 5).mapToObj(i -> "m" + i).toList());
    assertThat(recorder.calls).hasValue(5);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "client"})
  void aCrashBetweenEffectAndAcknowledgementIsARepeat(String listener) throws Exception {
    MessageListenerContainer container = container(listener);
    stop(container);
    send(listener, "crash0", "m0");
    send(listener, "crash1", "m1");
    try (Connection dying = EmbeddedArtemis.connections().createConnection();
        Session session = dying.createSession(Session.SESSION_TRANSACTED);
        MessageConsumer consumer = session.createConsumer(session.createQueue(queue(listener)))) {
      dying.start();
      Inbox<Message> inbox = JmsMessages.inbox(effects.engine(), listener, queue(listener)).build();
      Message message = consumer.receive(PATIENCE.toMillis());
      assertThat(
              inbox.consume(message, (held, attempt) -> Effects.book(text(held), attempt)).isDone())
          .isTrue();
    } // without a commit
    assertThat(effects.all()).containsExactly("m0");

    container.start();

    awaitEffects(2, listener);
    assertThat(effects.all()).containsExactlyInAnyOrder("m0", "m1");
    assertThat(recorder.calls).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "client"})
  void poisonIsParkedOrDeadAndTheRestIsConsumed(String listener) throws Exception {
    send(listener, "p1", "a");
    send(listener, null, "no key");
    send(listener, "p1", "another");
    send(listener, "p2", "bad");
    send(listener, "p3", "c");

    List<String> parked = List.of(takeParked(), takeParked());
    String dead = text(template.receiveSelected(EmbeddedArtemis.DEAD, from(listener)));
    awaitEffects(2, listener);

    assertThat(parked).containsExactlyInAnyOrder("no key NO_KEY", "another KEY_REUSED");
    assertThat(dead).isEqualTo("bad");
    assertThat(effects.all()).containsExactlyInAnyOrder("a", "c");
    assertThat(recorder.calls).hasValue(2 + EmbeddedArtemis.MAX_DELIVERIES);
  }

  @Test
  void anOutgoingKeyOfTheAttemptIsTheSameOnEveryRedelivery() throws Exception {
    send("one", "o1", "bad");
    send("one", "o2", "good");

    assertThat(text(template.receiveSelected(EmbeddedArtemis.DEAD, from("one")))).isEqualTo("bad");
    awaitEffects(1, "one");
    assertThat(recorder.outgoing).hasSize(EmbeddedArtemis.MAX_DELIVERIES + 1);
    assertThat(Set.copyOf(recorder.outgoing)).hasSize(2);
  }

  @Test
  void withoutAPlaceToParkTheServerPutsItAmongItsDeadLetters() throws Exception {
    send("unparked", null, "no key");
    send("unparked", "u1", "a");

    assertThat(text(template.receiveSelected(EmbeddedArtemis.DEAD, from("unparked"))))
        .isEqualTo("no key");
    awaitEffects(1, "unparked");
    assertThat(effects.all()).containsExactly("a");
    assertThat(recorder.calls).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "client"})
  void aDuplicateInProgressOnTwoConsumersIsNeitherLostNorAFailure(String listener)
      throws Exception {
    CountDownLatch running = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    recorder.held =
        () -> {
          running.countDown();
          return end.await(60, TimeUnit.SECONDS);
        };
    send(listener, "busy", "held");
    Together.await(running);
    send(listener, "busy", "held");
    send(listener, "behind", "behind");

    // More often than the server delivers a message, through waits of many rounds each.
    Together.await("31 busy answers", () -> effects.busy() > 30);
    Together.await("the effect of what is behind", () -> effects.all().equals(List.of("behind")));
    end.countDown();

    awaitEffects(2, listener);
    assertThat(effects.all()).containsExactlyInAnyOrder("behind", "held");
    assertThat(recorder.calls).hasValue(2);
    template.setReceiveTimeout(JmsTemplate.RECEIVE_TIMEOUT_NO_WAIT);
    assertThat(template.receiveSelected(EmbeddedArtemis.DEAD, from(listener))).isNull();
    template.setReceiveTimeout(PATIENCE.toMillis());
  }

  @Test
  void aKeyMayBeComputedAndTheListenerStillReadsTheBody() throws Exception {
    for (String value : List.of("x:1", "x:2", "x:1")) {
      template.send(
          queue("computed"),
          session -> {
            var message = session.createBytesMessage();
            message.writeBytes(value.getBytes(StandardCharsets.UTF_8));
            return message;
          });
    }

    awaitEffects(2, "computed");
    assertThat(effects.all()).containsExactlyInAnyOrder("x:1", "x:2");
  }

  @Test
  void aKeyExpressionThatFailsIsNamedWhereTheMessageIsParked() throws Exception {
    template.send(
        queue("computed"),
        session -> {
          var message = session.createBytesMessage();
          message.writeBytes("no colon".getBytes(StandardCharsets.UTF_8));
          return message;
        });

    Message parked = template.receive(queue("parked"));

    assertThat(parked.getStringProperty(ParkedMessages.REASON_PROPERTY)).isEqualTo("UNUSABLE_KEY");
    assertThat(parked.getStringProperty(ParkedMessages.DETAIL_PROPERTY))
        .contains("split(':')[1]", "Listeners.computed", "ARRAY_INDEX_OUT_OF_BOUNDS")
        .doesNotContain("colon");
    assertThat(recorder.calls).hasValue(0);
  }

  private void send(String listener, String id, String value) {
    template.send(
        queue(listener),
        session -> {
          TextMessage message = session.createTextMessage(value);
          return id == null ? message : JmsMessages.stamp(message, id);
        });
  }

  private String takeParked() throws JMSException {
    Message message = template.receive(queue("parked"));
    return text(message) + " " + message.getStringProperty(ParkedMessages.REASON_PROPERTY);
  }

  private static String text(Message message) throws JMSException {
    return message.getBody(String.class);
  }

  private String from(String listener) {
    return "_AMQ_ORIG_ADDRESS = '" + queue(listener) + "'";
  }

  private String queue(String listener) {
    return listener + "-" + run;
  }

  private MessageListenerContainer container(String listener) {
    return context.getBean(JmsListenerEndpointRegistry.class).getListenerContainer(queue(listener));
  }

  private static void stop(MessageListenerContainer container) throws Exception {
    CountDownLatch stopped = new CountDownLatch(1);
    ((DefaultMessageListenerContainer) container).stop(stopped::countDown);
    Together.await(stopped);
  }

  private void awaitEffects(int count, String listener) {
    Together.await(
        count + " effects and no message left",
        () -> effects.all().size() == count && EmbeddedArtemis.count(queue(listener)) == 0);
  }

  /** What listeners did, and what they wait for. */
  static final class Recorder {
    final AtomicInteger calls = new AtomicInteger();
    final List<String> outgoing = new CopyOnWriteArrayList<>();
    volatile Callable<Boolean> held = () -> true;
  }

  @Configuration(proxyBeanMethods = false)
  @EnableJms
  @EnableIdempotency
  @EnableTransactionManagement
  @Import(IdempotentJmsConfiguration.class)
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
    InboxSettingsCustomizer impatient(org.springframework.core.env.Environment environment) {
      String parked = "parked-" + environment.getRequiredProperty("run");
      return (settings, listener) -> {
        InboxSettings impatient = settings.waitForBusy(Duration.ofMillis(50));
        return listener.getName().equals("unparked") ? impatient : impatient.parkTo(parked);
      };
    }

    @Bean
    ConnectionFactory connections() {
      return EmbeddedArtemis.connections();
    }

    @Bean
    DefaultJmsListenerContainerFactory jmsListenerContainerFactory(ConnectionFactory connections) {
      DefaultJmsListenerContainerFactory factory = factory(connections);
      factory.setSessionTransacted(true);
      return factory;
    }

    @Bean
    DefaultJmsListenerContainerFactory acknowledging(ConnectionFactory connections) {
      DefaultJmsListenerContainerFactory factory = factory(connections);
      factory.setSessionAcknowledgeMode(Session.CLIENT_ACKNOWLEDGE);
      return factory;
    }

    private static DefaultJmsListenerContainerFactory factory(ConnectionFactory connections) {
      DefaultJmsListenerContainerFactory factory = new DefaultJmsListenerContainerFactory();
      factory.setConnectionFactory(connections);
      factory.setConcurrency("2-2");
      factory.setReceiveTimeout(50L); // how long it takes to stop
      factory.setErrorHandler(failure -> {}); // instead of a warning for each
      return factory;
    }

    @Bean
    Listeners listeners(DataSource dataSource, Recorder recorder) {
      return new Listeners(new JdbcTemplate(dataSource), recorder);
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

    @JmsListener(id = "one-${run}", destination = "one-${run}")
    @Idempotent(operation = "one", waitAtMost = "10ms", retryAfter = "10ms")
    @Transactional
    public void one(Attempt attempt, String value) throws Exception {
      recorder.outgoing.add(value + " " + attempt.outgoingKey("receipt"));
      book(value);
    }

    @JmsListener(
        id = "client-${run}",
        destination = "client-${run}",
        containerFactory = "acknowledging")
    @Idempotent(operation = "client", waitAtMost = "10ms", retryAfter = "10ms")
    public void client(String value) throws Exception {
      book(value);
    }

    @JmsListener(id = "unparked-${run}", destination = "unparked-${run}")
    @Idempotent(operation = "unparked")
    public void unparked(String value) throws Exception {
      book(value);
    }

    @JmsListener(id = "computed-${run}", destination = "computed-${run}")
    @Idempotent(operation = "computed", key = "new String(#payload).split(':')[1]")
    public void computed(byte[] value) throws Exception {
      book(new String(value, StandardCharsets.UTF_8));
    }

    private void book(String value) throws Exception {
      recorder.calls.incrementAndGet();
      jdbc.execute(
          (java.sql.Connection connection) -> {
            Effects.book(value, connection);
            return null;
          });
      if (value.equals("bad")) {
        throw new IllegalArgumentException("bad");
      } else if (value.equals("held")) {
        assertThat(recorder.held.call()).isTrue();
      }
    }
  }
}
