package io.idem.rocketmq;

import static org.assertj.core.api.Assertions.assertThat;

import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.testkit.Effects;
import io.idem.testkit.TestRocketMq;
import io.idem.testkit.Together;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Each message has one effect and none is lost, on a real broker. */
abstract class InboxConsumerContract {

  private static final MessageHandler<MessageExt, Exception> BOOK =
      (message, attempt) -> Effects.book(text(message), attempt);

  private final TestRocketMq rocketMq = TestRocketMq.shared();
  private final String group = "g" + UUID.randomUUID();
  private final List<String> parked = new CopyOnWriteArrayList<>();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final List<DefaultMQPushConsumer> consumers = new ArrayList<>();
  private Effects effects;

  abstract DataSource newDatabase();

  @BeforeEach
  void open() {
    DataSource dataSource = newDatabase();
    new JdbcSchema(dataSource, JdbcSettings.defaults()).createIfAbsent();
    effects = new Effects(dataSource, JdbcTransactionalStore::new);
    open.add(effects);
  }

  @AfterEach
  void close() throws Exception {
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
  }

  @Test
  void eachMessageOfABatchIsSettledForItself() throws Exception {
    String topic = newTopic(1);
    String parkedTopic = newTopic(1);
    send(topic, 0, "1", "a");
    send(topic, 0, "1", "a");
    send(topic, 0, "2", "fails once");
    send(topic, 0, null, "no key");
    send(topic, 0, "1", "another under the same key");
    send(topic, 0, "3", "c");
    send(topic, 0, "2", "fails once");
    DefaultMQPushConsumer consumer = consumer(group, topic);
    consumer.setConsumeMessageBatchMaxSize(10);
    AtomicInteger failures = new AtomicInteger();
    InboxConsumer inboxed =
        new InboxConsumer(
            inbox(), rocketMq.producer(), ParkedMessages.to(rocketMq.producer(), parkedTopic));

    start(
        consumer,
        inboxed.concurrently(
            (message, attempt) -> {
              BOOK.handle(message, attempt);
              if (text(message).equals("fails once") && failures.incrementAndGet() == 1) {
                throw new SQLException("once");
              }
            }));

    Together.awaitChecked(
        "three effects and two parked messages",
        () -> effects.all().size() == 3 && rocketMq.count(parkedTopic) == 2);
    awaitAcknowledged(topic, 1, 7);
    assertThat(effects.all()).containsExactlyInAnyOrder("a", "fails once", "c");
    assertThat(failures).hasValueGreaterThanOrEqualTo(2);
    List<MessageExt> inParking = new CopyOnWriteArrayList<>();
    start(
        consumer(group + "-parked", parkedTopic),
        (messages, context) -> {
          inParking.addAll(messages);
          return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
    Together.await(
        "the parked messages",
        () ->
            Set.of("no key NO_KEY " + topic, "another under the same key KEY_REUSED " + topic)
                .equals(
                    Set.copyOf(
                        inParking.stream()
                            .map(
                                message ->
                                    text(message)
                                        + " "
                                        + message.getProperty(ParkedMessages.REASON_PROPERTY)
                                        + " "
                                        + message.getProperty(ParkedMessages.FROM_PROPERTY))
                            .toList())));
    assertThat(rocketMq.givenUp(group)).isZero();
  }

  @Test
  void aCrashBetweenEffectAndAcknowledgementIsARepeat() throws Exception {
    String topic = newTopic(1);
    send(topic, 0, "1", "a");
    CountDownLatch crashed = new CountDownLatch(1);
    CountDownLatch never = new CountDownLatch(1);
    Inbox<MessageExt> dyingInbox = inbox();
    DefaultMQPushConsumer dying = consumer(group, topic);
    start(
        dying,
        (messages, context) -> {
          try {
            assertThat(dyingInbox.consume(messages.get(0), BOOK).isDone()).isTrue();
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          crashed.countDown();
          awaitWhateverHappens(never);
          return ConsumeConcurrentlyStatus.RECONSUME_LATER;
        });
    Together.await(crashed);
    dying.shutdown(); // without an answer to the delivery
    assertThat(rocketMq.acknowledged(group, topic, 1)).isZero();

    start(consumer(group, topic), inboxed().concurrently(BOOK));
    awaitAcknowledged(topic, 1, 1);
    never.countDown();

    assertThat(effects.all()).containsExactly("a");
  }

  @Test
  void aDuplicateInProgressSpendsNoRetries() throws Exception {
    String topic = newTopic(2);
    CountDownLatch mayEnd = new CountDownLatch(1);
    CountDownLatch running = new CountDownLatch(1);
    Set<String> deliveries = ConcurrentHashMap.newKeySet();
    for (int i = 0; i < 2; i++) {
      Inbox<MessageExt> inbox =
          RocketMqMessages.inbox(effects.engine(), "book", group)
              .key(
                  message -> {
                    deliveries.add(message.getTopic() + message.getCommitLogOffset());
                    return MessageKey.lookup("header", message.getProperty(MessageIds.HEADER));
                  })
              .build();
      start(
          consumer(group, topic),
          new InboxConsumer(inbox, rocketMq.producer(), this::park)
              .waitForBusy(Duration.ofMillis(1), 1)
              .concurrently(
                  (message, attempt) -> {
                    BOOK.handle(message, attempt);
                    running.countDown();
                    Together.await(mayEnd);
                  }));
    }
    send(topic, 0, "1", "a");
    Together.await(running);
    send(topic, 1, "1", "a");

    // More than the broker would allow failures.
    Together.await("deliveries of what is busy", () -> deliveries.size() > 1 + 3);
    mayEnd.countDown();
    awaitAcknowledged(topic, 2, 2);
    awaitAcknowledged(MixAll.getRetryTopic(group), 1, 3);

    assertThat(effects.all()).containsExactly("a");
    assertThat(parked).isEmpty();
    assertThat(rocketMq.givenUp(group)).isZero();
  }

  @Test
  void anOrderlyQueueWaitsForWhatIsBusyAndForWhatFails() throws Exception {
    String topic = newTopic(1);
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      send(topic, 0, "id" + i, "m" + i);
      send(topic, 0, "id" + i / 2, "m" + i / 2);
      expected.add("m" + i);
    }
    CountDownLatch elsewhere = new CountDownLatch(1);
    CountDownLatch mayFail = new CountDownLatch(1);
    Thread other = holdElsewhere(topic, "id5", elsewhere, mayFail);
    AtomicInteger looks = new AtomicInteger();
    AtomicInteger failures = new AtomicInteger();
    Inbox<MessageExt> inbox =
        RocketMqMessages.inbox(effects.engine(), "book", group)
            .key(
                message -> {
                  String id = message.getProperty(MessageIds.HEADER);
                  if (id.equals("id5")) {
                    looks.incrementAndGet();
                  }
                  return MessageKey.lookup("header", id);
                })
            .build();
    DefaultMQPushConsumer consumer = consumer(group, topic);
    consumer.setConsumeMessageBatchMaxSize(4);
    consumer.registerMessageListener(
        new InboxConsumer(inbox, rocketMq.producer(), this::park)
            .waitForBusy(Duration.ofMillis(1), 1)
            .orderly(
                (message, attempt) -> {
                  BOOK.handle(message, attempt);
                  if (text(message).equals("m3") && failures.incrementAndGet() <= 2) {
                    throw new SQLException("twice");
                  }
                }));
    start(consumer);

    // Many more suspensions than failures are allowed.
    Together.await("looks at what is busy", () -> looks.get() > 8);
    assertThat(effects.all()).isEqualTo(expected.subList(0, 5));
    mayFail.countDown();
    other.join();
    awaitAcknowledged(topic, 1, 20);

    assertThat(effects.all()).isEqualTo(expected);
    assertThat(failures).hasValue(3);
    assertThat(rocketMq.givenUp(group)).isZero();
  }

  /** A level of -1 has the broker give up on what is handed back, at once. */
  @Test
  void aBusyMessageThatCannotBeSentAgainIsNotGivenUp() throws Exception {
    String topic = newTopic(1);
    CountDownLatch elsewhere = new CountDownLatch(1);
    CountDownLatch mayFail = new CountDownLatch(1);
    Thread other = holdElsewhere(topic, "id5", elsewhere, mayFail);
    MessageListenerConcurrently inboxed =
        new InboxConsumer(inbox(), new DefaultMQProducer("not-started"), this::park)
            .waitForBusy(Duration.ofMillis(1), 1)
            .concurrently(BOOK);
    CountDownLatch handedBack = new CountDownLatch(1);
    start(
        consumer(group, topic),
        (messages, context) -> {
          context.setDelayLevelWhenNextConsume(-1);
          ConsumeConcurrentlyStatus status = inboxed.consumeMessage(messages, context);
          handedBack.countDown();
          return status;
        });
    send(topic, 0, "id5", "m5");

    Together.await(handedBack);
    mayFail.countDown();
    other.join();

    Together.awaitChecked(
        "the effect, or a dead letter",
        () -> !effects.all().isEmpty() || rocketMq.givenUp(group) > 0);
    assertThat(rocketMq.givenUp(group)).isZero();
    assertThat(effects.all()).containsExactly("m5");
  }

  /** What is handed back by then is counted as a failure. */
  @Test
  void aBusyMessageWhoseThreadIsInterruptedIsSentAgain() throws Exception {
    String topic = newTopic(1);
    CountDownLatch elsewhere = new CountDownLatch(1);
    CountDownLatch mayFail = new CountDownLatch(1);
    Thread other = holdElsewhere(topic, "id6", elsewhere, mayFail);
    CompletableFuture<Thread> consuming = new CompletableFuture<>();
    CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
    List<Integer> failures = new CopyOnWriteArrayList<>();
    MessageListenerConcurrently inboxed =
        new InboxConsumer(inbox(), rocketMq.producer(), this::park)
            .waitForBusy(Duration.ofMinutes(1), 1)
            .concurrently(
                (message, attempt) -> {
                  failures.add(message.getReconsumeTimes());
                  BOOK.handle(message, attempt);
                });
    start(
        consumer(group, topic),
        (messages, context) -> {
          consuming.complete(Thread.currentThread());
          ConsumeConcurrentlyStatus status = inboxed.consumeMessage(messages, context);
          interrupted.complete(Thread.interrupted());
          return status;
        });
    send(topic, 0, "id6", "m6");

    Together.await("a busy answer", () -> effects.busy() > 0);
    consuming.get(30, TimeUnit.SECONDS).interrupt();
    assertThat(interrupted.get(30, TimeUnit.SECONDS)).as("the interrupt is kept").isTrue();
    mayFail.countDown();
    other.join();

    Together.awaitChecked("the effect", () -> !effects.all().isEmpty());
    assertThat(effects.all()).containsExactly("m6");
    assertThat(failures).containsExactly(0);
  }

  /** Another node runs a message's work, and fails when it may. */
  private Thread holdElsewhere(
      String topic, String id, CountDownLatch running, CountDownLatch mayFail) throws Exception {
    MessageExt copy = new MessageExt();
    copy.setTopic(topic);
    copy.setBody("m5".getBytes(StandardCharsets.UTF_8));
    RocketMqMessages.stamp(copy, id);
    Inbox<MessageExt> inbox = inbox();
    Thread thread =
        new Thread(
            () -> {
              try {
                inbox.consume(
                    copy,
                    (message, attempt) -> {
                      running.countDown();
                      mayFail.await();
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

  @Test
  void aBatchIsConsumedInOneCall() throws Exception {
    String topic = newTopic(1);
    for (int i = 0; i < 40; i++) {
      send(topic, 0, "id" + i / 2, "m" + i / 2);
    }
    DefaultMQPushConsumer consumer = consumer(group, topic);
    consumer.setConsumeMessageBatchMaxSize(16);

    start(
        consumer,
        inboxed()
            .concurrentlyAll(
                fresh -> {
                  for (var each : fresh) {
                    BOOK.handle(each.message(), each.attempt());
                  }
                }));

    awaitAcknowledged(topic, 1, 40);
    assertThat(effects.all())
        .containsExactlyInAnyOrderElementsOf(
            IntStream.range(0, 20).mapToObj(i -> "m" + i).toList());
  }

  /** Ignores that the consumer stops its threads: a process that is gone answers nothing. */
  private static void awaitWhateverHappens(CountDownLatch latch) {
    boolean waits = true;
    while (waits) {
      try {
        latch.await();
        waits = false;
      } catch (InterruptedException e) {
        // goes on
      }
    }
  }

  private void park(MessageExt message, DeliveryDecision.Park why) {
    parked.add(text(message) + " " + why.reason());
  }

  private Inbox<MessageExt> inbox() {
    return RocketMqMessages.inbox(effects.engine(), "book", group)
        .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
        .build();
  }

  private InboxConsumer inboxed() {
    return new InboxConsumer(inbox(), rocketMq.producer(), this::park);
  }

  private String newTopic(int queues) {
    String topic = "t" + UUID.randomUUID();
    rocketMq.createTopic(topic, queues);
    return topic;
  }

  /** Sends a message, with an id if it is not null. */
  private void send(String topic, int queue, String id, String value) {
    Message message = new Message(topic, value.getBytes(StandardCharsets.UTF_8));
    if (id != null) {
      RocketMqMessages.stamp(message, id);
    }
    rocketMq.send(message, queue);
  }

  /** A consumer that was not started; the broker gives up on a message after two retries. */
  private DefaultMQPushConsumer consumer(String ofGroup, String topic) throws Exception {
    DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(ofGroup);
    consumer.setNamesrvAddr(rocketMq.address());
    consumer.setInstanceName(UUID.randomUUID().toString());
    consumer.setPollNameServerInterval(200);
    consumer.setHeartbeatBrokerInterval(200);
    consumer.setPersistConsumerOffsetInterval(100);
    consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
    consumer.setConsumeThreadMin(4);
    consumer.setConsumeThreadMax(4);
    consumer.setMaxReconsumeTimes(2);
    consumer.setSuspendCurrentQueueTimeMillis(20);
    consumer.subscribe(topic, "*");
    return consumer;
  }

  private void start(DefaultMQPushConsumer consumer, MessageListenerConcurrently listener)
      throws Exception {
    consumer.registerMessageListener(listener);
    start(consumer);
  }

  private void start(DefaultMQPushConsumer consumer) throws Exception {
    consumer.start();
    open.add(consumer::shutdown);
    consumers.add(consumer);
  }

  private static String text(MessageExt message) {
    return new String(message.getBody(), StandardCharsets.UTF_8);
  }

  @SuppressWarnings("deprecation") // nothing else tells the broker before ten seconds are over
  private void awaitAcknowledged(String topic, int queues, long messages) {
    Together.await(
        messages + " acknowledged messages",
        () -> {
          consumers.forEach(
              consumer -> consumer.getDefaultMQPushConsumerImpl().persistConsumerOffset());
          return rocketMq.acknowledged(group, topic, queues) >= messages;
        });
  }
}
