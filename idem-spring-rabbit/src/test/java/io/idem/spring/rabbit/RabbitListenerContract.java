package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import io.idem.core.Attempt;
import io.idem.core.Idempotency;
import io.idem.jdbc.Dialect;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.Inbox;
import io.idem.rabbitmq.DeliveryCopies;
import io.idem.rabbitmq.RabbitMessages;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import io.idem.spring.SpringTransactionalStore;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.aopalliance.intercept.MethodInterceptor;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.ImmediateAcknowledgeAmqpException;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageBuilder;
import org.springframework.amqp.core.MessageListenerContainer;
import org.springframework.amqp.core.Queue;
import org.springframework.amqp.listener.ConditionalRejectingErrorHandler;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.AbstractRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.config.DirectRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.config.RetryInterceptorBuilder;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.connection.ConnectionFactory;
import org.springframework.amqp.rabbit.core.RabbitAdmin;
import org.springframework.amqp.rabbit.core.RabbitTemplate;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.amqp.rabbit.retry.RejectAndDontRequeueRecoverer;
import org.springframework.amqp.support.converter.SimpleMessageConverter;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.retry.RetryPolicy;
import org.springframework.jdbc.core.JdbcTemplate;
import org.springframework.jdbc.support.JdbcTransactionManager;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.annotation.EnableTransactionManagement;
import org.springframework.transaction.annotation.Transactional;

/** {@code @RabbitListener} methods that are {@code @Idempotent}, on a broker and a database. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class RabbitListenerContract {

  private static final List<String> LISTENERS =
      List.of(
          "one",
          "direct",
          "many",
          "computed",
          "retried",
          "kept",
          "final",
          "fatal",
          "judged",
          "managed",
          "managedDirect",
          "patient");

  private static final Duration SHUTDOWN = Duration.ofMinutes(1);
  private static final String REASON = DeliveryCopies.REASON_HEADER;

  final String run = UUID.randomUUID().toString();
  Effects effects;
  Recorder recorder;
  RabbitTemplate template;
  private CachingConnectionFactory connections;
  private AnnotationConfigApplicationContext context;
  private RabbitAdmin admin;

  abstract CachingConnectionFactory connections() throws Exception;

  abstract DataSource newDatabase();

  /** What a queue of a listener is declared with. */
  abstract Map<String, Object> arguments();

  @BeforeAll
  void start() throws Exception {
    connections = connections();
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    template = new RabbitTemplate(connections);
    admin = new RabbitAdmin(template);
    declare("dead", Map.of());
    for (String listener : LISTENERS) {
      declare(listener, arguments());
    }
    context = new AnnotationConfigApplicationContext();
    context
        .getEnvironment()
        .getPropertySources()
        .addFirst(new MapPropertySource("test", Map.of("run", run)));
    context.registerBean(DataSource.class, () -> dataSource);
    context.registerBean(ConnectionFactory.class, () -> connections);
    context.registerBean(Effects.class, () -> effects);
    context.register(Application.class);
    context.refresh();
    recorder = context.getBean(Recorder.class);
  }

  @AfterAll
  void stop() {
    if (context != null) {
      context.close();
      connections.destroy();
    }
  }

  @BeforeEach
  void forget() {
    effects.clear();
    recorder.thrown.clear();
    recorder.outgoing.clear();
    recorder.calls.set(0);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "direct", "many", "managed", "managedDirect"})
  void duplicatesHaveOneEffect(String listener) throws Exception {
    MessageListenerContainer container = container(listener);
    stop(container); // so that a batch listener meets duplicates inside of one batch
    for (int i = 0; i < 10; i++) {
      send(listener, "dup" + i, "m" + i);
      send(listener, "dup" + i / 2, "m" + i / 2);
    }
    container.start();

    awaitEffects(10, listener);
    assertThat(effects.all())
        .containsExactlyElementsOf(IntStream.range(0, 10).mapToObj(i -> "m" + i).toList());
    assertThat(recorder.calls).hasValue(10);
    assertThat(recorder.thrown).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "many", "managed", "managedDirect"})
  void aCrashBetweenEffectAndAcknowledgementIsARepeat(String listener) throws Exception {
    MessageListenerContainer container = container(listener);
    stop(container);
    for (int i = 0; i < 6; i++) {
      send(listener, "crash" + i, "m" + i);
    }
    Inbox<Delivery> inbox =
        RabbitMessages.inbox(effects.engine(), listener, queue(listener)).build();
    Connection dying = connections.getRabbitConnectionFactory().newConnection();
    Channel channel = dying.createChannel();
    channel.basicQos(3);
    CountDownLatch consumed = new CountDownLatch(3);
    channel.basicConsume(
        queue(listener),
        false,
        (tag, delivery) -> {
          try {
            inbox.consume(
                delivery,
                (message, attempt) ->
                    Effects.book(new String(message.getBody(), StandardCharsets.UTF_8), attempt));
            consumed.countDown();
          } catch (SQLException e) {
            throw new AssertionError(e);
          }
        },
        tag -> {});
    Together.await(consumed);
    dying.abort();

    container.start();

    awaitEffects(6, listener);
    assertThat(effects.all()).doesNotHaveDuplicates();
    assertThat(recorder.calls).hasValue(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"one", "direct", "many", "managed", "managedDirect"})
  void whatIsBusyIsNeitherLostNorAFailure(String listener) throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    MessageListenerContainer container = container(listener);
    stop(container);
    CompletableFuture<Void> other = holdElsewhere(listener, end);
    send(listener, "first", "before");
    send(listener, "busy", "held");
    send(listener, "last", "behind");
    container.start();

    // More than the holding of one delivery, and its limit.
    Together.await("thirteen busy answers", () -> effects.busy() > 12);
    Together.await(
        "the effects of what is not busy", () -> effects.all().equals(List.of("before", "behind")));
    end.countDown();
    other.get(60, TimeUnit.SECONDS);

    awaitEffects(3, listener);
    assertThat(effects.all()).containsExactly("before", "behind", "held");
    assertThat(recorder.thrown).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"direct", "managed", "managedDirect"})
  void anOutgoingKeyOfTheAttemptIsTheSameOnEveryRedelivery(String listener) throws Exception {
    send(listener, "o1", "fails once");
    send(listener, "o2", "good");

    awaitEffects(2, listener);
    assertThat(recorder.outgoing).hasSize(2 + 1);
    assertThat(Set.copyOf(recorder.outgoing)).hasSize(2);
  }

  @Test
  void eachTryOfARetryInterceptorGoesThroughTheInbox() throws Exception {
    send("retried", "1", "flaky");
    awaitEffects(1, "retried");
    send("retried", "1", "flaky");
    send("retried", "2", "next");
    awaitEffects(2, "retried");

    assertThat(effects.all()).containsExactly("flaky", "next");
    assertThat(recorder.calls).hasValue(3); // one of them failed
  }

  @Test
  void whatIsBusyWhenItsContainerStopsIsNeitherLostNorAFailure() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    MessageListenerContainer container = container("retried");
    CompletableFuture<Void> other = holdElsewhere("retried", end);
    send("retried", "busy", "held");
    Together.await("a busy answer", () -> effects.busy() > 0);

    // What a retry interceptor is thrown, it may reject for good. To stop waits for the consumers.
    assertThat(CompletableFuture.runAsync(container::stop)).succeedsWithin(SHUTDOWN.dividedBy(2));
    end.countDown();
    other.get(60, TimeUnit.SECONDS);
    container.start();

    awaitEffects(1, "retried");
    assertThat(effects.all()).containsExactly("held");
  }

  /** As an executor does that is shut down. What is thrown then counts as a failure. */
  @Test
  void whatIsBusyWhenItsThreadIsInterruptedIsNeitherLostNorAFailure() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    MessageListenerContainer container = container("patient");
    CompletableFuture<Void> other = holdElsewhere("patient", end);
    send("patient", "busy", "held");
    Together.await("a busy answer", () -> effects.busy() > 0);

    Thread consuming =
        Thread.getAllStackTraces().keySet().stream()
            .filter(thread -> thread.getName().startsWith(queue("patient")))
            .findFirst()
            .orElseThrow();
    consuming.interrupt();
    consuming.join(TimeUnit.SECONDS.toMillis(30));
    assertThat(consuming.isAlive()).as("the interrupt was heeded").isFalse();
    end.countDown();
    other.get(60, TimeUnit.SECONDS);
    container.stop();
    container.start();

    awaitEffects(1, "patient");
    assertThat(effects.all()).containsExactly("held");
    assertThat(recorder.thrown).isEmpty();
  }

  @Test
  void whatCannotBeParkedIsHeldUntilItCan() throws Exception {
    send("kept", null, "no key");
    send("kept", "1", "a");
    Together.await("the effect of what has a key", () -> effects.all().equals(List.of("a")));

    declare("parked", Map.of());

    Together.await("the parked message", () -> messages("parked") == 1);
    assertThat(template.receive(queue("parked")).getMessageProperties().<String>getHeader(REASON))
        .isEqualTo("NO_KEY");
    Together.await("no message left", () -> messages("kept") == 0);
  }

  /** Spring's error handler has a batch acknowledged whose listener fails for such a message. */
  @Test
  void aDeadLetterThatIsDiscardedTakesNoOtherMessageAlong() throws Exception {
    MessageListenerContainer container = container("fatal");
    stop(container);
    send("fatal", "1", "a");
    Message fatal = message("2", "fatal");
    fatal.getMessageProperties().setHeader("x-death", List.of(Map.of("queue", "q", "count", 1L)));
    template.send("", queue("fatal"), fatal);
    send("fatal", "3", "c");
    container.start();

    awaitEffects(2, "fatal");
    assertThat(effects.all()).containsExactly("a", "c");
  }

  /** Spring's container acknowledges a batch whose listener throws it. */
  @Test
  void whatABatchListenerWantsAcknowledgedTakesNoOtherMessageAlong() throws Exception {
    MessageListenerContainer container = container("fatal");
    stop(container);
    send("fatal", "i1", "a");
    send("fatal", "i2", "forget");
    send("fatal", "i3", "c");
    container.start();

    awaitEffects(2, "fatal");
    assertThat(effects.all()).containsExactly("a", "c");
  }

  @Test
  void aKeyMayBeComputed() throws Exception {
    send("computed", null, "x:1");
    send("computed", null, "x:2");
    send("computed", null, "x:1");

    awaitEffects(2, "computed");
    assertThat(effects.all()).containsExactly("x:1", "x:2");
  }

  /** Another node is in the middle of a message until it may end, and then it fails. */
  private CompletableFuture<Void> holdElsewhere(String listener, CountDownLatch end) {
    CountDownLatch running = new CountDownLatch(1);
    Inbox<Message> inbox = AmqpMessages.inbox(effects.engine(), listener, queue(listener)).build();
    CompletableFuture<Void> other =
        CompletableFuture.runAsync(
            () ->
                assertThatThrownBy(
                        () ->
                            inbox.consume(
                                message("busy", "held"),
                                (held, attempt) -> {
                                  running.countDown();
                                  Together.await(end);
                                  throw new SQLException("given up");
                                }))
                    .isInstanceOf(SQLException.class));
    Together.await(running);
    return other;
  }

  void send(String listener, String id, String value) {
    template.send("", queue(listener), message(id, value));
  }

  static Message message(String id, String value) {
    Message message =
        MessageBuilder.withBody(value.getBytes(StandardCharsets.UTF_8))
            .setContentType("text/plain")
            .build();
    return id == null ? message : AmqpMessages.stamp(id).postProcessMessage(message);
  }

  void declare(String name, Map<String, Object> arguments) {
    admin.declareQueue(new Queue(queue(name), true, false, false, arguments));
  }

  String queue(String listener) {
    return listener + "-" + run;
  }

  MessageListenerContainer container(String listener) {
    return context
        .getBean(RabbitListenerEndpointRegistry.class)
        .getListenerContainer(queue(listener));
  }

  static void stop(MessageListenerContainer container) throws Exception {
    CountDownLatch stopped = new CountDownLatch(1);
    container.stop(stopped::countDown);
    Together.await(stopped);
  }

  void awaitEffects(int count, String listener) {
    Together.await(
        count + " effects and no message left",
        () -> effects.all().size() == count && messages(listener) == 0);
  }

  long messages(String listener) {
    return template.<Long>execute(channel -> channel.messageCount(queue(listener)));
  }

  /** What listeners did, and what the advice around the inbox saw. */
  static final class Recorder {
    final List<Throwable> thrown = new CopyOnWriteArrayList<>();
    final List<String> outgoing = new CopyOnWriteArrayList<>();
    final AtomicInteger calls = new AtomicInteger();
  }

  @Configuration(proxyBeanMethods = false)
  @EnableRabbit
  @EnableIdempotency
  @EnableTransactionManagement
  @Import(IdempotentRabbitConfiguration.class)
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
    InboxAdviceCustomizer impatient(@Value("${run}") String run) {
      return (advice, listener) ->
          switch (listener.getName()) {
            case "retried", "patient" -> advice.holdAtMost(Duration.ofMinutes(5));
            case "kept" -> advice.holdAtMost(Duration.ofMillis(50)).parkTo("", "parked-" + run);
            default -> advice.holdAtMost(Duration.ofMillis(50));
          };
    }

    @Bean
    SimpleRabbitListenerContainerFactory rabbitListenerContainerFactory(
        ConnectionFactory connections, Recorder recorder) {
      SimpleRabbitListenerContainerFactory factory =
          set(new SimpleRabbitListenerContainerFactory(), connections, recorder);
      factory.setReceiveTimeout(50L); // how long it takes to stop
      return factory;
    }

    @Bean
    DirectRabbitListenerContainerFactory direct(ConnectionFactory connections, Recorder recorder) {
      DirectRabbitListenerContainerFactory factory =
          set(new DirectRabbitListenerContainerFactory(), connections, recorder);
      factory.setMessageConverter(new TypedConverter());
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory batches(ConnectionFactory connections, Recorder recorder) {
      SimpleRabbitListenerContainerFactory factory =
          set(new SimpleRabbitListenerContainerFactory(), connections, recorder);
      factory.setBatchListener(true);
      factory.setConsumerBatchEnabled(true);
      factory.setBatchSize(50);
      factory.setReceiveTimeout(50L);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory rejecting(ConnectionFactory connections) {
      SimpleRabbitListenerContainerFactory factory = unadvised(connections);
      factory.setDefaultRequeueRejected(false);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory judging(ConnectionFactory connections) {
      SimpleRabbitListenerContainerFactory factory = unadvised(connections);
      factory.setErrorHandler(
          new ConditionalRejectingErrorHandler() {
            @Override
            public void handleError(Throwable failure) {
              throw new AmqpRejectAndDontRequeueException("judged", failure);
            }
          });
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory unadvised(ConnectionFactory connections) {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(connections);
      factory.setPrefetchCount(50);
      factory.setBatchListener(true);
      factory.setConsumerBatchEnabled(true);
      factory.setBatchSize(50);
      factory.setReceiveTimeout(50L);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory managed(
        ConnectionFactory connections, Recorder recorder, PlatformTransactionManager transactions) {
      SimpleRabbitListenerContainerFactory factory =
          set(new SimpleRabbitListenerContainerFactory(), connections, recorder);
      factory.setReceiveTimeout(50L);
      factory.setTransactionManager(transactions);
      factory.setChannelTransacted(true);
      return factory;
    }

    @Bean
    DirectRabbitListenerContainerFactory managedDirect(
        ConnectionFactory connections, Recorder recorder, PlatformTransactionManager transactions) {
      DirectRabbitListenerContainerFactory factory =
          set(new DirectRabbitListenerContainerFactory(), connections, recorder);
      factory.setTransactionManager(transactions);
      factory.setChannelTransacted(true);
      return factory;
    }

    @Bean
    SimpleRabbitListenerContainerFactory retries(ConnectionFactory connections) {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(connections);
      factory.setReceiveTimeout(50L);
      factory.setContainerCustomizer(
          container -> container.setShutdownTimeout(SHUTDOWN.toMillis()));
      factory.setAdviceChain(
          RetryInterceptorBuilder.stateless()
              .retryPolicy(RetryPolicy.builder().maxRetries(2).delay(Duration.ofMillis(1)).build())
              .recoverer(new RejectAndDontRequeueRecoverer())
              .build());
      return factory;
    }

    /** In the place of a retry interceptor, what passes it would be counted. */
    private static <F extends AbstractRabbitListenerContainerFactory<?>> F set(
        F factory, ConnectionFactory connections, Recorder recorder) {
      factory.setConnectionFactory(connections);
      factory.setPrefetchCount(50);
      factory.setAdviceChain(
          (MethodInterceptor)
              invocation -> {
                try {
                  return invocation.proceed();
                } catch (Throwable e) {
                  recorder.thrown.add(e);
                  throw e;
                }
              });
      return factory;
    }

    @Bean
    Listeners listeners(DataSource dataSource, Recorder recorder) {
      return new Listeners(new JdbcTemplate(dataSource), recorder);
    }
  }

  /** Reads what the listener takes, as converters do that read JSON. */
  private static final class TypedConverter extends SimpleMessageConverter {

    @Override
    public Object fromMessage(Message message) {
      assertThat(message.getMessageProperties().getInferredArgumentType()).isEqualTo(String.class);
      return super.fromMessage(message);
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

    @RabbitListener(id = "one-${run}", queues = "one-${run}")
    @Idempotent(operation = "one", waitAtMost = "10ms", retryAfter = "10ms")
    @Transactional
    public void one(String value) {
      book(value);
    }

    @RabbitListener(id = "direct-${run}", queues = "direct-${run}", containerFactory = "direct")
    @Idempotent(operation = "direct", waitAtMost = "10ms", retryAfter = "10ms")
    public void direct(Attempt attempt, String value) {
      recorder.outgoing.add(value + " " + attempt.outgoingKey("receipt"));
      book(value);
    }

    @RabbitListener(id = "managed-${run}", queues = "managed-${run}", containerFactory = "managed")
    @Idempotent(operation = "managed", waitAtMost = "10ms", retryAfter = "10ms")
    public void managed(Attempt attempt, String value) {
      recorder.outgoing.add(value + " " + attempt.outgoingKey("receipt"));
      book(value);
    }

    @RabbitListener(
        id = "managedDirect-${run}",
        queues = "managedDirect-${run}",
        containerFactory = "managedDirect")
    @Idempotent(operation = "managedDirect", waitAtMost = "10ms", retryAfter = "10ms")
    public void managedDirect(Attempt attempt, String value) {
      recorder.outgoing.add(value + " " + attempt.outgoingKey("receipt"));
      book(value);
    }

    @RabbitListener(id = "many-${run}", queues = "many-${run}", containerFactory = "batches")
    @Idempotent(operation = "many", waitAtMost = "10ms", retryAfter = "10ms")
    public void many(List<String> values) {
      values.forEach(this::book);
    }

    @RabbitListener(id = "final-${run}", queues = "final-${run}", containerFactory = "rejecting")
    @Idempotent(operation = "final")
    public void rejecting(List<String> values) {
      values.forEach(this::book);
      if (values.contains("fails")) {
        throw new IllegalArgumentException("fails");
      }
    }

    @RabbitListener(id = "fatal-${run}", queues = "fatal-${run}", containerFactory = "unadvised")
    @Idempotent(operation = "fatal")
    public void fatal(List<String> values) {
      values.forEach(this::book);
      if (values.contains("fatal")) {
        throw new ClassCastException("fatal, as Spring AMQP has it");
      } else if (values.contains("forget")) {
        throw new ImmediateAcknowledgeAmqpException("forget it");
      }
    }

    @RabbitListener(id = "judged-${run}", queues = "judged-${run}", containerFactory = "judging")
    @Idempotent(operation = "judged")
    public void judged(List<String> values) {
      rejecting(values);
    }

    @RabbitListener(id = "computed-${run}", queues = "computed-${run}")
    @Idempotent(operation = "computed", key = "#payload.split(':')[1]")
    public void computed(String value) {
      book(value);
    }

    @RabbitListener(id = "retried-${run}", queues = "retried-${run}", containerFactory = "retries")
    @Idempotent(operation = "retried", waitAtMost = "10ms", retryAfter = "10ms")
    public void retried(String value) {
      book(value);
    }

    @RabbitListener(id = "patient-${run}", queues = "patient-${run}")
    @Idempotent(operation = "patient", waitAtMost = "10ms", retryAfter = "10ms")
    public void patient(String value) {
      book(value);
    }

    @RabbitListener(id = "kept-${run}", queues = "kept-${run}")
    @Idempotent(operation = "kept")
    public void kept(String value) {
      book(value);
    }

    private void book(String value) {
      recorder.calls.incrementAndGet();
      jdbc.execute(
          (java.sql.Connection connection) -> {
            Effects.book(value, connection);
            return null;
          });
      if (value.equals("bad")) {
        throw new AmqpRejectAndDontRequeueException("bad");
      } else if (value.equals("fails once") && recorder.outgoing.size() == 1) {
        throw new IllegalStateException("once");
      } else if (value.equals("flaky") && recorder.calls.get() == 1) {
        throw new IllegalStateException("flaky");
      }
    }
  }
}
