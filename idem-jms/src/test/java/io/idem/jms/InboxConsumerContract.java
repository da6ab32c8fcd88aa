package io.idem.jms;

import static io.idem.jms.TestArtemis.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.store.StoreUnavailableException;
import io.idem.jdbc.JdbcSchema;
import io.idem.jdbc.JdbcSettings;
import io.idem.jdbc.JdbcTransactionalStore;
import io.idem.jms.TestArtemis.Node;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.MessageKey;
import io.idem.testkit.Effects;
import io.idem.testkit.Together;
import jakarta.jms.BytesMessage;
import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.MapMessage;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.StreamMessage;
import jakarta.jms.TextMessage;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import javax.sql.DataSource;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.jms.client.ActiveMQMessage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Each message has one effect and none is lost, on a real server. */
abstract class InboxConsumerContract {

  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final int LARGE = 300_000;
  private static final Duration WAIT = Duration.ofSeconds(5);
  private static final Duration SHORT = Duration.ofMillis(100);
  private static final MessageHandler<Message, Exception> BOOK =
      (message, attempt) -> Effects.book(((TextMessage) message).getText(), attempt);

  private final TestArtemis artemis = TestArtemis.shared();
  private final String queue = "q" + UUID.randomUUID();
  private final String parked = "parked" + UUID.randomUUID();
  private final List<AutoCloseable> open = new ArrayList<>();
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
    assertThat(artemis.browse(TestArtemis.GIVEN_UP))
        .noneMatch(message -> from(message).contains(queue));
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void duplicatesOfTheProducerHaveOneEffect(int mode) throws Exception {
    artemis.send(queue, text("1", "a"), text("1", "a"), text("2", "b"), text("1", "a"));
    Node node = node(mode);
    InboxConsumer inboxed = inboxed(node);

    for (int i = 0; i < 4; i++) {
      assertThat(inboxed.receive(node.consumer, WAIT, BOOK)).isTrue();
    }

    assertThat(inboxed.receive(node.consumer, SHORT, BOOK)).isFalse();
    assertThat(effects.all()).containsExactly("a", "b");
    awaitCount(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aCrashBetweenEffectAndAcknowledgementIsARepeat(int mode) throws Exception {
    artemis.send(queue, text("1", "a"));
    try (Node dying = new Node(queue, mode)) {
      Message message = dying.consumer.receive(WAIT.toMillis());
      assertThat(inbox().consume(message, BOOK).isDone()).isTrue();
    } // without a commit
    assertThat(effects.all()).containsExactly("a");
    awaitCount(1);

    Node node = node(mode);
    assertThat(inboxed(node).receive(node.consumer, WAIT, BOOK)).isTrue();

    assertThat(effects.all()).containsExactly("a");
    awaitCount(0);
  }

  @Test
  void poisonIsParkedWithItsReason() throws Exception {
    artemis.send(queue, text("1", "a"), text(null, "no key"), text("1", "another"), text("2", "b"));
    Node node = node(Session.SESSION_TRANSACTED);

    int received = 0;
    try (Logged log = new Logged()) {
      while (received < 4) {
        received += inboxed(node).receiveEach(node.consumer, 10, WAIT, BOOK);
      }
      assertThat(log.parked(queue))
          .hasSize(2)
          .allMatch(told -> told.startsWith("Message ID:"))
          .noneMatch(told -> told.contains("another"))
          .anyMatch(told -> told.contains(", and is parked: ") && told.endsWith(" (NO_KEY)"))
          .anyMatch(told -> told.endsWith(" (KEY_REUSED)"));
    }

    assertThat(effects.all()).containsExactly("a", "b");
    List<String> told = new ArrayList<>();
    for (Message message : artemis.browse(parked)) {
      told.add(
          message.getBody(String.class)
              + " "
              + message.getStringProperty(ParkedMessages.REASON_PROPERTY)
              + " "
              + message.getStringProperty(JmsMessages.KEY_PROPERTY));
    }
    assertThat(told).containsExactlyInAnyOrder("no key NO_KEY null", "another KEY_REUSED 1");
    assertThat(artemis.browse(parked)).allMatch(message -> from(message).contains(queue));
    awaitCount(0);
  }

  @Test
  void aFailedHandlerLeavesNothingAndIsRolledBack() throws Exception {
    artemis.send(queue, text("1", "a"));
    Node node = node(Session.SESSION_TRANSACTED);
    InboxConsumer inboxed = inboxed(node);

    assertThatThrownBy(
            () ->
                inboxed.receive(
                    node.consumer,
                    WAIT,
                    (message, attempt) -> {
                      BOOK.handle(message, attempt);
                      throw new SQLException("no");
                    }))
        .isInstanceOf(SQLException.class);
    assertThat(effects.all()).isEmpty();

    AtomicInteger deliveries = new AtomicInteger();
    inboxed.receive(
        node.consumer,
        WAIT,
        (message, attempt) -> {
          deliveries.set(message.getIntProperty("JMSXDeliveryCount"));
          BOOK.handle(message, attempt);
        });
    assertThat(deliveries).hasValue(2);
    assertThat(effects.all()).containsExactly("a");
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aPoisonousMessageOfABatchSpendsNobodysDeliveries(int mode) throws Exception {
    int others = 8;
    artemis.send(queue, text("bad", "bad"));
    IntStream.range(0, others).forEach(i -> sendQuietly("id" + i, "m" + i));
    Node node = node(mode);
    InboxConsumer inboxed =
        inboxed(node).onFailure(TestArtemis.MAX_DELIVERIES + 2, Duration.ofMillis(1));
    AtomicInteger failures = new AtomicInteger();

    until(
        () ->
            inboxed.receiveEach(
                node.consumer,
                20,
                SHORT,
                (message, attempt) -> {
                  BOOK.handle(message, attempt);
                  if (((TextMessage) message).getText().equals("bad")) {
                    failures.incrementAndGet();
                    throw new SQLException("bad");
                  }
                }),
        () -> artemis.count(parked) == 1 && effects.all().size() == others);

    assertThat(failures).hasValue(TestArtemis.MAX_DELIVERIES + 2);
    assertThat(effects.all()).hasSize(others).doesNotHaveDuplicates().doesNotContain("bad");
    Message inParking = artemis.browse(parked).get(0);
    assertThat(inParking.getStringProperty(ParkedMessages.REASON_PROPERTY))
        .isEqualTo(ParkedMessages.HANDLER_FAILED);
    assertThat(inParking.propertyExists(InboxConsumer.FAILURES_PROPERTY))
        .as("failures left for whoever sends it again")
        .isFalse();
    awaitCount(0);
  }

  /** The server keeps a body of more than 100 KiB apart from its message. */
  @ParameterizedTest
  @ValueSource(strings = {"text", "bytes", "stream", "map"})
  void aLargeMessageIsSentAgainWhole(String kind) throws Exception {
    String body = "large ".repeat(LARGE / 6);
    artemis.send(
        queue,
        session -> {
          Message message = make(session, kind, body);
          message.setJMSCorrelationID("correlation");
          message.setJMSType("type");
          message.setJMSReplyTo(session.createQueue("answers"));
          message.setStringProperty("JMSXGroupID", "group");
          return JmsMessages.stamp(message, "1");
        });
    Node node = node(Session.SESSION_TRANSACTED);
    InboxConsumer inboxed = inboxed(node).onFailure(10, Duration.ZERO);
    List<String> received = new ArrayList<>();
    AtomicInteger runs = new AtomicInteger();

    until(
        () ->
            inboxed.receiveEach(
                node.consumer,
                5,
                SHORT,
                (message, attempt) -> {
                  if (runs.incrementAndGet() < 3) {
                    throw new SQLException("not yet");
                  }
                  received.add(read(message));
                  received.add(message.getJMSCorrelationID());
                  received.add(message.getJMSType());
                  received.add(((Queue) message.getJMSReplyTo()).getQueueName());
                  received.add(message.getStringProperty("JMSXGroupID"));
                }),
        () -> !received.isEmpty());

    assertThat(received.get(0)).isEqualTo(body);
    assertThat(received.subList(1, 5)).containsExactly("correlation", "type", "answers", "group");
    awaitCount(0);
  }

  /** As a producer of AMQP or STOMP may send it to the same server. */
  @Test
  void aPropertyWhoseNameJmsDoesNotAllowIsNoObstacle() throws Exception {
    for (String id : Arrays.asList("1", null)) {
      artemis.send(
          queue,
          session -> {
            Message message = text(id, "a").make(session);
            ((ActiveMQMessage) message)
                .getCoreMessage()
                .putStringProperty(SimpleString.of("trace-id"), SimpleString.of("7"));
            return message;
          });
    }
    Node node = node(Session.SESSION_TRANSACTED);
    InboxConsumer inboxed = inboxed(node).waitForBusy(Duration.ZERO);
    List<String> traces = new ArrayList<>();

    until(
        () ->
            inboxed.receive(
                node.consumer,
                SHORT,
                (message, attempt) -> {
                  traces.add(message.getStringProperty("trace-id"));
                  if (traces.size() < 3) {
                    throw new StoreUnavailableException("down", null);
                  }
                }),
        () -> traces.size() == 3 && artemis.count(parked) == 1);

    assertThat(traces).containsOnly("7");
    assertThat(artemis.browse(parked).get(0).getStringProperty("trace_id")).isEqualTo("7");
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aMessageThatIsSentAgainExpiresWhenItWouldHave(int mode) throws Exception {
    long expires = sendWithTimeToLive(Duration.ofSeconds(20));
    Node node = node(mode);
    InboxConsumer inboxed = inboxed(node).waitForBusy(Duration.ZERO);
    List<Long> expirations = new ArrayList<>();

    until(
        () ->
            inboxed.receive(
                node.consumer,
                SHORT,
                (message, attempt) -> {
                  expirations.add(message.getJMSExpiration());
                  if (expirations.size() < 3) {
                    throw new StoreUnavailableException("down", null);
                  }
                  BOOK.handle(message, attempt);
                }),
        () -> effects.all().equals(List.of("a")));

    assertThat(expirations).hasSize(3).allMatch(time -> Math.abs(time - expires) < 500);
  }

  /** It goes where the server puts what expires, as it would have without Idem. */
  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aMessageThatExpiresWhileItIsBusyIsTheServersToExpire(int mode) throws Exception {
    sendWithTimeToLive(Duration.ofMillis(300));
    Node node = node(mode);
    InboxConsumer inboxed = inboxed(node).waitForBusy(Duration.ofMillis(400));

    try (Logged log = new Logged()) {
      until(
          () ->
              inboxed.receive(
                  node.consumer,
                  SHORT,
                  (message, attempt) -> {
                    throw new StoreUnavailableException("down", null);
                  }),
          () -> expired() == 1);
      assertThat(log.of(queue, "expires before it is delivered again"))
          .singleElement()
          .satisfies(text -> assertThat(text).startsWith("Message ID:"));
    }

    assertThat(artemis.count(queue)).isZero();
    assertThat(effects.all()).isEmpty();
  }

  private long expired() throws JMSException {
    return artemis.browse(TestArtemis.EXPIRED).stream()
        .filter(message -> from(message).contains(queue))
        .count();
  }

  /** When it expires. */
  private long sendWithTimeToLive(Duration time) throws JMSException {
    try (Node node = new Node(queue + "-other", Session.AUTO_ACKNOWLEDGE);
        MessageProducer sender = node.session.createProducer(node.session.createQueue(queue))) {
      sender.setTimeToLive(time.toMillis());
      Message message = JmsMessages.stamp(node.session.createTextMessage("a"), "1");
      sender.send(message);
      return message.getJMSExpiration();
    }
  }

  private static Message make(Session session, String kind, String body) throws JMSException {
    if (kind.equals("text")) {
      return session.createTextMessage(body);
    } else if (kind.equals("map")) {
      MapMessage map = session.createMapMessage();
      map.setString("body", body);
      return map;
    }
    byte[] content = body.getBytes(StandardCharsets.UTF_8);
    if (kind.equals("stream")) {
      StreamMessage stream = session.createStreamMessage();
      stream.writeBytes(content);
      return stream;
    }
    BytesMessage bytes = session.createBytesMessage();
    bytes.writeBytes(content);
    return bytes;
  }

  private static String read(Message message) throws JMSException {
    if (message instanceof TextMessage text) {
      return text.getText();
    } else if (message instanceof MapMessage map) {
      return map.getString("body");
    }
    byte[] body = new byte[LARGE];
    int length =
        message instanceof StreamMessage stream
            ? stream.readBytes(body)
            : ((BytesMessage) message).readBytes(body);
    return new String(body, 0, length, StandardCharsets.UTF_8);
  }

  @Test
  void aBatchIsConsumedInOneCallAndARepeatInsideItIsSkipped() throws Exception {
    for (int i = 0; i < 50; i++) {
      sendQuietly("id" + i / 2, "m" + i / 2);
    }
    Node node = node(Session.SESSION_TRANSACTED);
    InboxConsumer inboxed = inboxed(node);

    int received = 0;
    while (received < 50) {
      received +=
          inboxed.receiveAll(
              node.consumer,
              50,
              WAIT,
              fresh -> {
                for (var each : fresh) {
                  BOOK.handle(each.message(), each.attempt());
                }
              });
    }

    assertThat(effects.all())
        .containsExactlyElementsOf(IntStream.range(0, 25).mapToObj(i -> "m" + i).toList());
    awaitCount(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aDuplicateInProgressIsNeitherLostNorGivenUp(int mode) throws Exception {
    artemis.send(queue, artemisText("1", "a"));
    CountDownLatch inHandler = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    Node first = node(mode);
    InboxConsumer firstInboxed = inboxed(first);
    CompletableFuture<Boolean> running =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return firstInboxed.receive(
                    first.consumer,
                    WAIT,
                    (message, attempt) -> {
                      BOOK.handle(message, attempt);
                      inHandler.countDown();
                      Together.await(mayEnd);
                    });
              } catch (Exception e) {
                throw new IllegalStateException(e);
              }
            });
    Together.await(inHandler);
    artemis.send(queue, text("1", "a"), text("2", "b"));

    Node second = node(mode);
    InboxConsumer inboxed = inboxed(second).waitForBusy(Duration.ofMillis(1));
    AtomicInteger busyDeliveries = new AtomicInteger();
    until(
        () -> busyDeliveries.addAndGet(inboxed.receiveEach(second.consumer, 2, SHORT, BOOK)),
        () -> busyDeliveries.get() > TestArtemis.MAX_DELIVERIES + 2);
    awaitCount(2); // the one that runs, and the one that waits
    mayEnd.countDown();
    assertThat(running.get(30, TimeUnit.SECONDS)).isTrue();
    until(
        () -> inboxed.receiveEach(second.consumer, 2, SHORT, BOOK),
        () -> artemis.count(queue) == 0);

    assertThat(effects.all()).containsExactlyInAnyOrder("a", "b");
    assertThat(artemis.count(parked)).isZero();
  }

  /** A commit is for all that the session has received, whoever was told of it. */
  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void whatWasReceivedBeforeAFailureToReceiveIsNotLost(int mode) throws Exception {
    artemis.send(queue, text("1", "a"), text("2", "b"));
    Node node = node(mode);
    InboxConsumer inboxed = inboxed(node);
    AtomicBoolean breaks = new AtomicBoolean(true);
    MessageConsumer breaking =
        (MessageConsumer)
            Proxy.newProxyInstance(
                MessageConsumer.class.getClassLoader(),
                new Class<?>[] {MessageConsumer.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("receiveNoWait") && breaks.getAndSet(false)) {
                    throw new JMSException("cannot be read");
                  }
                  return method.invoke(node.consumer, arguments);
                });

    assertThatThrownBy(() -> inboxed.receiveEach(breaking, 10, WAIT, BOOK))
        .hasMessage("cannot be read");
    until(() -> inboxed.receiveEach(breaking, 10, SHORT, BOOK), () -> artemis.count(queue) == 0);

    assertThat(effects.all()).containsExactlyInAnyOrder("a", "b");
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void aSessionThatCannotBeRolledBackHidesNoFailure(int mode) throws Exception {
    artemis.send(queue, text("1", "a"));
    try (Node dying = new Node(queue, mode)) {
      Session broken =
          (Session)
              Proxy.newProxyInstance(
                  Session.class.getClassLoader(),
                  new Class<?>[] {Session.class},
                  (proxy, method, arguments) -> {
                    if (List.of("rollback", "recover").contains(method.getName())) {
                      throw new IllegalStateException("broken");
                    }
                    return method.invoke(dying.session, arguments);
                  });
      InboxConsumer inboxed =
          new InboxConsumer(broken, dying.queue, inbox(), (session, message, why) -> {});

      assertThatThrownBy(
              () ->
                  inboxed.receive(
                      dying.consumer,
                      WAIT,
                      (message, attempt) -> {
                        throw new SQLException("the cause");
                      }))
          .isInstanceOf(SQLException.class)
          .hasMessage("the cause")
          .hasSuppressedException(new IllegalStateException("broken"));
    }

    Node node = node(mode);
    assertThat(inboxed(node).receive(node.consumer, WAIT, BOOK)).isTrue();
    assertThat(effects.all()).containsExactly("a");
  }

  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void whatIsBusyWhenItsThreadIsInterruptedIsSentAgain(int mode) throws Exception {
    artemis.send(queue, text("1", "a"));
    CountDownLatch busy = new CountDownLatch(1);
    AtomicBoolean isInterrupted = new AtomicBoolean();
    CompletableFuture<Void> ended = new CompletableFuture<>();
    Thread consuming =
        new Thread(
            () -> {
              try (Node stopping = new Node(queue, mode)) {
                inboxed(stopping)
                    .receive(
                        stopping.consumer,
                        WAIT,
                        (message, attempt) -> {
                          busy.countDown();
                          throw new StoreUnavailableException("down", null);
                        });
                isInterrupted.set(Thread.interrupted()); // closing it is no matter of this test
                ended.complete(null);
              } catch (Exception e) {
                ended.completeExceptionally(e);
              }
            });
    consuming.start();
    assertThat(busy.await(30, TimeUnit.SECONDS)).isTrue();
    consuming.interrupt();
    ended.get(30, TimeUnit.SECONDS);
    consuming.join();

    assertThat(isInterrupted).isTrue();
    Node node = node(mode);
    Message again = node.consumer.receive(WAIT.toMillis());
    assertThat(again.getIntProperty("JMSXDeliveryCount")).as("no delivery is spent").isOne();
  }

  /** Artemis leaves a session stopped whose rollback is interrupted. */
  @ParameterizedTest
  @ValueSource(ints = {Session.SESSION_TRANSACTED, Session.CLIENT_ACKNOWLEDGE})
  void whatFailsWhenItsThreadIsInterruptedIsRolledBack(int mode) throws Exception {
    artemis.send(queue, text("1", "a"), text("2", "b"));
    Node node = node(mode);
    InboxConsumer inboxed = inboxed(node);

    assertThatThrownBy(
            () ->
                inboxed.receive(
                    node.consumer,
                    WAIT,
                    (message, attempt) -> {
                      Thread.currentThread().interrupt();
                      throw new SQLException("interrupted");
                    }))
        .isInstanceOf(SQLException.class)
        .hasNoSuppressedExceptions();
    assertThat(Thread.interrupted()).as("the interrupt is left to the caller").isTrue();

    until(() -> inboxed.receive(node.consumer, SHORT, BOOK), () -> artemis.count(queue) == 0);
    assertThat(effects.all()).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void theServersDuplicateDetectionAndTheInboxWorkTogether() throws Exception {
    artemis.send(queue, artemisText("1", "a"), artemisText("1", "a"));
    awaitCount(1); // the server has dropped the other one

    Node node = node(Session.SESSION_TRANSACTED);
    assertThatThrownBy(
            () ->
                inboxed(node)
                    .receive(
                        node.consumer,
                        WAIT,
                        (message, attempt) -> {
                          throw new SQLException("no");
                        }))
        .isInstanceOf(SQLException.class);
    assertThat(inboxed(node).receive(node.consumer, WAIT, BOOK)).isTrue();
    artemis.send(queue, text("1", "a")); // the server has no id to know it by
    assertThat(inboxed(node).receive(node.consumer, WAIT, BOOK)).isTrue();

    assertThat(effects.all()).containsExactly("a");
    awaitCount(0);
  }

  @Test
  void theServersDuplicateIdIsAKeyThatOutlivesASecondSending() throws Exception {
    MessageKey<Message> duplicateId =
        MessageKey.header(JmsMessages.reader(), JmsMessages.ARTEMIS_DUPLICATE_ID);
    artemis.send(queue, artemisText("1", "a"));
    Node node = node(Session.SESSION_TRANSACTED);
    Inbox<Message> inbox =
        JmsMessages.inbox(effects.engine(), "book", queue).key(duplicateId).build();
    InboxConsumer inboxed =
        new InboxConsumer(
                node.session,
                node.queue,
                inbox,
                ParkedMessages.to(node.session.createQueue(parked)))
            .onFailure(10, Duration.ZERO);

    AtomicInteger runs = new AtomicInteger();
    until(
        () ->
            inboxed.receiveEach(
                node.consumer,
                1,
                SHORT,
                (message, attempt) -> {
                  if (runs.incrementAndGet() < 5) {
                    throw new SQLException("not yet");
                  }
                  BOOK.handle(message, attempt);
                }),
        () -> runs.get() == 5);
    awaitCount(0);

    assertThat(runs).hasValue(5);
    assertThat(effects.all()).containsExactly("a");
    assertThat(artemis.count(parked)).isZero();
  }

  @Test
  void aSessionThatAcknowledgesByItselfIsRefused() throws Exception {
    Node node = node(Session.AUTO_ACKNOWLEDGE);

    assertThatThrownBy(() -> inboxed(node))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("acknowledges by itself");
  }

  /** As the guide says it for Artemis: its subscribers share the address, each has a queue. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aBusyMessageOfATopicComesAgainToItsSubscriptionAlone(boolean isQueueToo) throws Exception {
    String topic = "t" + UUID.randomUUID();
    if (isQueueToo) {
      artemis.createAddress(topic);
    }
    try (Connection connection = artemis.connect();
        Session session = connection.createSession(Session.SESSION_TRANSACTED);
        Session other = connection.createSession()) {
      MessageConsumer subscriber =
          session.createSharedDurableConsumer(session.createTopic(topic), "mine" + topic);
      MessageConsumer another =
          other.createSharedDurableConsumer(other.createTopic(topic), "theirs" + topic);
      other
          .createProducer(other.createTopic(topic))
          .send(JmsMessages.stamp(other.createTextMessage("a"), "1"));
      InboxConsumer inboxed =
          new InboxConsumer(
                  session,
                  session.createQueue(topic + "::mine" + topic),
                  inbox(),
                  ParkedMessages.to(session.createQueue(parked)))
              .waitForBusy(Duration.ZERO);
      AtomicInteger runs = new AtomicInteger();

      until(
          () ->
              inboxed.receive(
                  subscriber,
                  SHORT,
                  (message, attempt) -> {
                    if (runs.incrementAndGet() < 3) {
                      throw new StoreUnavailableException("down", null);
                    }
                    BOOK.handle(message, attempt);
                  }),
          () -> effects.all().equals(List.of("a")));

      assertThat(another.receive(WAIT.toMillis()).getBody(String.class)).isEqualTo("a");
      assertThat(another.receive(SHORT.toMillis())).isNull();
    }
  }

  private static TestArtemis.Making artemisText(String id, String text) {
    return session -> JmsMessages.stampForArtemis(session.createTextMessage(text), id);
  }

  private void sendQuietly(String id, String text) {
    try {
      artemis.send(queue, text(id, text));
    } catch (JMSException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String from(Message message) {
    try {
      String server = message.getStringProperty("_AMQ_ORIG_ADDRESS");
      String inbox = message.getStringProperty(ParkedMessages.FROM_PROPERTY);
      return server + " " + inbox;
    } catch (JMSException e) {
      throw new IllegalStateException(e);
    }
  }

  private Node node(int mode) throws JMSException {
    Node node = new Node(queue, mode);
    open.add(node);
    return node;
  }

  private Inbox<Message> inbox() {
    return JmsMessages.inbox(effects.engine(), "book", queue)
        .operation(operation -> operation.retryAfter(Duration.ofMillis(20)))
        .build();
  }

  private InboxConsumer inboxed(Node node) throws JMSException {
    return new InboxConsumer(
        node.session, node.queue, inbox(), ParkedMessages.to(node.session.createQueue(parked)));
  }

  /** The server counts what is acknowledged a little later. */
  private void awaitCount(long messages) {
    Together.await(messages + " messages in the queue", () -> artemis.count(queue) == messages);
  }

  private static void until(Callable<?> step, Callable<Boolean> condition) throws Exception {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.call()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(deadline);
      step.call();
    }
  }
}
