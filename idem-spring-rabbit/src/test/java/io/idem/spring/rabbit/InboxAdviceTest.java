package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import com.rabbitmq.client.Channel;
import io.idem.core.Idempotency;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.MessageFailedException;
import io.idem.messaging.MessageIds;
import io.idem.spring.EnableIdempotency;
import io.idem.spring.Idempotent;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.listener.ListenerExecutionFailedException;
import org.springframework.amqp.rabbit.annotation.EnableRabbit;
import org.springframework.amqp.rabbit.annotation.RabbitListener;
import org.springframework.amqp.rabbit.config.SimpleRabbitListenerContainerFactory;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.RabbitListenerEndpointRegistry;
import org.springframework.amqp.rabbit.listener.api.ChannelAwareBatchMessageListener;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** What a container and a person are told of messages that are not consumed; without a broker. */
class InboxAdviceTest {

  private final Idempotency engine = Idempotency.inMemory();
  private final Logger logger = (Logger) LoggerFactory.getLogger("io.idem.messaging");
  private final Logger adapter = (Logger) LoggerFactory.getLogger("io.idem.rabbitmq");
  private final ListAppender<ILoggingEvent> logged = new ListAppender<>();

  /** As a container calls its listener. */
  interface Invoker {
    void invokeListener(Channel channel, Object received);
  }

  @BeforeEach
  void listen() {
    logged.start();
    logger.addAppender(logged);
    logger.setLevel(Level.WARN);
  }

  @AfterEach
  void close() {
    logger.setLevel(null);
    logger.detachAppender(logged);
    engine.close();
  }

  @Test
  void theFailureOfALeasedListenerIsLoggedBeforeItsOutcomeIsUnknown() {
    Invoker invoker =
        protect(
            (channel, received) -> {
              throw new IllegalStateException("gateway said 502");
            },
            new InboxAdvice(AmqpMessages.inbox(engine, "book", "q").build()));

    assertThatThrownBy(() -> invoker.invokeListener(channel(), message("1", "a")))
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> invoker.invokeListener(channel(), message("1", "a")))
        .isInstanceOf(AmqpRejectAndDontRequeueException.class)
        .hasCauseInstanceOf(DeliveryParkedException.class)
        .hasStackTraceContaining("OUTCOME_UNKNOWN");

    assertThat(logged.list)
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.getFormattedMessage()).contains("'book'").contains("releaseOn");
              assertThat(event.getThrowableProxy().getMessage()).isEqualTo("gateway said 502");
            });
  }

  @Test
  void eachDeliveryOfABatchIsSettledOnceHoweverOftenItIsTried() {
    List<String> settled = new ArrayList<>();
    Channel channel = channel(settled);
    List<Message> batch =
        List.of(
            message(1, "1", "a"), // and another part of what its producer sent as one
            message(1, null, "no key"),
            message(2, "2", "b"),
            message(3, null, "no key, and the last one is the container's"));
    Invoker invoker =
        protect(
            (given, received) -> {}, new InboxAdvice(AmqpMessages.inbox(engine, "b", "q").build()));

    listenToAdapter();
    try {
      for (int tries = 0; tries < 2; tries++) {
        assertThatThrownBy(() -> invoker.invokeListener(channel, batch))
            .isInstanceOf(AmqpRejectAndDontRequeueException.class);
      }
    } finally {
      leaveAdapter();
    }

    assertThat(settled).containsExactlyInAnyOrder("basicReject 1", "basicAck 2");
    assertThat(logged.list)
        .as("each parked message is told once, with nothing that is in it")
        .extracting(ILoggingEvent::getFormattedMessage)
        .containsExactly(parked(1), parked(3));
    assertThat(logged.list).allMatch(event -> event.getLevel() == Level.WARN);
  }

  private void listenToAdapter() {
    adapter.addAppender(logged);
    adapter.setLevel(Level.WARN);
  }

  private void leaveAdapter() {
    adapter.setLevel(null);
    adapter.detachAppender(logged);
  }

  private static String parked(long tag) {
    return "Message with tag "
        + tag
        + " of q cannot be consumed by q, and is parked: The message has no key: no header"
        + " 'idempotency-key' (NO_KEY)";
  }

  @Test
  void aKeyExpressionThatFailsIsNamed() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Application.class)) {
      Object container =
          context.getBean(RabbitListenerEndpointRegistry.class).getListenerContainer("numbered");
      Object[] chain =
          (Object[]) new DirectFieldAccessor(container).getPropertyValue("adviceChain");
      InboxAdvice advice =
          Arrays.stream(chain)
              .filter(InboxAdvice.class::isInstance)
              .map(InboxAdvice.class::cast)
              .findFirst()
              .orElseThrow();
      Invoker invoker = protect((channel, received) -> {}, advice);
      String[] named = {
        "@Idempotent(key = \"#payload.number\")", "Numbered.listen(String)", "NOT_READABLE"
      };

      listenToAdapter();
      try {
        assertThatThrownBy(() -> invoker.invokeListener(channel(), message(null, "secret")))
            .isInstanceOf(AmqpRejectAndDontRequeueException.class)
            .cause()
            .hasMessageContainingAll(named);
      } finally {
        leaveAdapter();
      }
      assertThat(logged.list)
          .singleElement()
          .satisfies(
              event ->
                  assertThat(event.getFormattedMessage())
                      .contains(named)
                      .contains(" of q cannot be consumed")
                      .doesNotContain("secret"));
    }
  }

  /** The adapter reads all messages before it calls the listener, so nothing has happened. */
  @Test
  void whatALeasedBatchListenerCannotBeGivenIsRejectedAloneAndTheRestIsConsumed() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Batches.class)) {
      Leased leased = context.getBean(Leased.class);
      List<String> settled = new ArrayList<>();
      Message garbage = message(2, "2", "garbage");
      garbage
          .getMessageProperties()
          .setContentType(MessageProperties.CONTENT_TYPE_SERIALIZED_OBJECT);
      List<Message> batch = List.of(message(1, "1", "a"), garbage, message(3, "3", "c"));

      invoke(context, "plain", channel(settled), batch);

      assertThat(leased.heard).containsExactly("a", "c");
      assertThat(settled)
          .containsExactly("basicAck 1", "basicReject 2"); // the last is the container's
      assertThat(logged.list).as("nothing is unknown").isEmpty();

      invoke(context, "plain", channel(settled), List.of(message(4, "2", "mended")));
      assertThat(leased.heard).containsExactly("a", "c", "mended");
    }
  }

  @Test
  void aLeasedBatchListenerThatRejectsByItselfLeavesItsOutcomeUnknown() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Batches.class)) {
      Leased leased = context.getBean(Leased.class);
      List<Message> batch = List.of(message(1, "1", "a"), message(2, "2", "b"));

      assertThatThrownBy(() -> invoke(context, "rejecting", channel(new ArrayList<>()), batch))
          .hasStackTraceContaining("settled by its inbox");
      assertThatThrownBy(() -> invoke(context, "rejecting", channel(new ArrayList<>()), batch))
          .hasStackTraceContaining("OUTCOME_UNKNOWN");

      assertThat(leased.heard).containsExactly("a");
    }
  }

  /** It may be done, or not: who rejects a message for that may reject one that is. */
  @Test
  void aLeasedBatchListenerThatTellsAPlaceHasNoMessageRejectedForAnother() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Batches.class)) {
      Leased leased = context.getBean(Leased.class);
      List<String> settled = new ArrayList<>();
      List<Message> batch = List.of(message(1, "1", "a"), message(2, "2", "b"));

      assertThatThrownBy(() -> invoke(context, "telling", channel(settled), batch))
          .isInstanceOf(ListenerExecutionFailedException.class)
          .hasRootCauseInstanceOf(AmqpRejectAndDontRequeueException.class);

      assertThat(leased.heard).containsExactly("a");
      assertThat(settled).isEmpty();
    }
  }

  @Test
  void aLeasedBatchListenerWhoseFailureIsFatalHasOnlyItsOwnMessagesRejected() {
    try (AnnotationConfigApplicationContext context =
        new AnnotationConfigApplicationContext(Batches.class)) {
      Leased leased = context.getBean(Leased.class);
      List<String> settled = new ArrayList<>();
      Message ofAnotherQueue = message(3, "3", "c");
      ofAnotherQueue.getMessageProperties().setConsumerQueue("r");
      List<Message> batch = List.of(message(1, "1", "fatal"), message(2, "2", "b"), ofAnotherQueue);

      invoke(context, "fatal", channel(settled), batch);

      assertThat(leased.heard).containsExactly("c");
      assertThat(settled).containsExactlyInAnyOrder("basicReject 1", "basicReject 2");
    }
  }

  /** As the container of a listener, which was never started, would call it. */
  private static void invoke(
      AnnotationConfigApplicationContext context, String id, Channel channel, List<Message> batch) {
    AbstractMessageListenerContainer container =
        (AbstractMessageListenerContainer)
            context.getBean(RabbitListenerEndpointRegistry.class).getListenerContainer(id);
    Object[] chain = (Object[]) new DirectFieldAccessor(container).getPropertyValue("adviceChain");
    Invoker listener =
        (given, received) ->
            ((ChannelAwareBatchMessageListener) container.getMessageListener())
                .onMessageBatch(
                    ((List<?>) received).stream().map(Message.class::cast).toList(), given);
    protect(listener, (InboxAdvice) chain[chain.length - 1]).invokeListener(channel, batch);
  }

  private static Invoker protect(Invoker listener, InboxAdvice advice) {
    ProxyFactory proxy = new ProxyFactory(listener);
    proxy.addAdvice(advice);
    return (Invoker) proxy.getProxy();
  }

  private static Message message(String id, String value) {
    return message(1, id, value);
  }

  private static Message message(long tag, String id, String value) {
    MessageProperties properties = new MessageProperties();
    properties.setContentType(MessageProperties.CONTENT_TYPE_TEXT_PLAIN);
    properties.setConsumerQueue("q");
    properties.setDeliveryTag(tag);
    if (id != null) {
      properties.setHeader(MessageIds.HEADER, id);
    }
    return new Message(value.getBytes(StandardCharsets.UTF_8), properties);
  }

  /** Nothing is asked of it, because the container settles the last delivery. */
  private static Channel channel() {
    return (Channel)
        Proxy.newProxyInstance(
            Channel.class.getClassLoader(),
            new Class<?>[] {Channel.class},
            (proxy, method, arguments) -> {
              throw new UnsupportedOperationException(method.toString());
            });
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

  @Configuration(proxyBeanMethods = false)
  @EnableRabbit
  @EnableIdempotency
  @Import({IdempotentRabbitConfiguration.class, Numbered.class})
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
  }

  @Configuration(proxyBeanMethods = false)
  @Import({Application.class, Leased.class})
  static class Batches {

    @Bean
    SimpleRabbitListenerContainerFactory batches() {
      SimpleRabbitListenerContainerFactory factory = new SimpleRabbitListenerContainerFactory();
      factory.setConnectionFactory(new CachingConnectionFactory("localhost", 1));
      factory.setBatchListener(true);
      factory.setConsumerBatchEnabled(true);
      factory.setAutoStartup(false);
      return factory;
    }
  }

  static class Leased {

    final List<String> heard = new ArrayList<>();

    @RabbitListener(id = "plain", queues = "q", containerFactory = "batches")
    @Idempotent(operation = "plain", mode = Idempotent.Mode.LEASED)
    public void plain(List<String> values) {
      heard.addAll(values);
    }

    @RabbitListener(id = "telling", queues = "q", containerFactory = "batches")
    @Idempotent(operation = "telling", mode = Idempotent.Mode.LEASED)
    public void telling(List<String> values) {
      heard.add(values.get(0));
      throw new MessageFailedException(1, new AmqpRejectAndDontRequeueException("the second"));
    }

    @RabbitListener(
        id = "fatal",
        queues = {"q", "r"},
        containerFactory = "batches")
    @Idempotent(operation = "fatal", mode = Idempotent.Mode.LEASED)
    public void fatal(List<String> values) {
      if (values.contains("fatal")) {
        throw new ClassCastException("fatal, as Spring AMQP has it");
      }
      heard.addAll(values);
    }

    @RabbitListener(id = "rejecting", queues = "q", containerFactory = "batches")
    @Idempotent(operation = "rejecting", mode = Idempotent.Mode.LEASED)
    public void rejecting(List<Message> messages, Channel channel) throws IOException {
      heard.add(new String(messages.get(0).getBody(), StandardCharsets.UTF_8));
      channel.basicReject(messages.get(1).getMessageProperties().getDeliveryTag(), false);
    }
  }

  static class Numbered {
    @RabbitListener(id = "numbered", queues = "q")
    @Idempotent(key = "#payload.number")
    public void listen(String value) {}
  }
}
