package io.idem.jms;

import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.FailureLimit;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.ParkingLog;
import jakarta.jms.Destination;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.MessageProducer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.Topic;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumes what a JMS session receives, each message once.
 *
 * <pre>{@code
 * Session session = connection.createSession(Session.SESSION_TRANSACTED);
 * Queue payments = session.createQueue("payments");
 * InboxConsumer inboxed = new InboxConsumer(session, payments, inbox, ParkedMessages.to(deadLetters));
 * try (MessageConsumer consumer = session.createConsumer(payments)) {
 *   while (running) {
 *     inboxed.receive(consumer, Duration.ofSeconds(1), (message, attempt) -> book(message, attempt));
 *   }
 * }
 * }</pre>
 *
 * <ol>
 *   <li>The inbox commits first: the effect and the record of the message are in the database.
 *   <li>The session is told afterwards. A crash in between is a redelivery, which is skipped.
 *   <li>A message that is being consumed elsewhere, or that the store cannot answer for, is asked
 *       for again here for a while. If it is still not done, it is sent to the queue again with a
 *       delay, and the delivery acknowledged: a rollback would count against the server's limit of
 *       deliveries, and a message that was only busy would end as a dead letter.
 *   <li>What can never be consumed is parked.
 *   <li>A single message whose handler failed is rolled back, and the server's own redelivery and
 *       its limit apply. In a batch, where a rollback would count for all of them, the failed one
 *       is sent to the queue again, and parked when it has failed as often as allowed.
 * </ol>
 *
 * <p>The second sending and the acknowledgement are one transaction in a transacted session; in one
 * with {@code CLIENT_ACKNOWLEDGE} the sending is first, and a crash in between leaves a repeat,
 * which is skipped. Not thread-safe, like the session, which stays the caller's to close.
 */
public final class InboxConsumer {

  /** The property that counts how often the handler failed for a message of a batch. */
  public static final String FAILURES_PROPERTY = "idem_failures";

  private static final Logger log = LoggerFactory.getLogger("io.idem.jms");
  private static final Duration STORE_DELAY = Duration.ofSeconds(1);
  private static final long LEAST_PAUSE_MILLIS = 10;

  private final Session session;
  private final Queue queue;
  private final Inbox<Message> inbox;
  private final ParkedMessages parked;
  private Duration busyPatience = Duration.ofSeconds(5);
  private FailureLimit failureLimit = FailureLimit.DEFAULT;
  private boolean settlesSession = true;

  /**
   * Creates a consumer.
   *
   * @param session a session that is transacted or has {@code CLIENT_ACKNOWLEDGE}, in which nothing
   *     is consumed but through this object: an acknowledgement is for the whole session
   * @param queue the queue that is consumed, to which busy messages are sent again. For a topic, a
   *     queue that this inbox is also consumed from: sent to the topic they would reach every
   *     subscriber
   * @param inbox the inbox, such as {@link JmsMessages#inbox} begins it
   * @param parked where messages go that cannot be consumed
   * @throws IllegalArgumentException if the session acknowledges by itself
   * @throws JMSException if the session cannot say how it acknowledges
   */
  public InboxConsumer(Session session, Queue queue, Inbox<Message> inbox, ParkedMessages parked)
      throws JMSException {
    if (!session.getTransacted() && session.getAcknowledgeMode() != Session.CLIENT_ACKNOWLEDGE) {
      throw new IllegalArgumentException(
          "The session acknowledges by itself, also what is not done, and a crash would lose it:"
              + " make it SESSION_TRANSACTED or CLIENT_ACKNOWLEDGE");
    }
    this.session = session;
    this.queue = queue;
    this.inbox = inbox;
    this.parked = parked;
  }

  /**
   * How long a message that is being consumed elsewhere is waited for before it is sent again.
   *
   * @param patience the time, during which this session receives nothing; 5 seconds by default
   * @return this
   * @throws IllegalArgumentException if it is negative
   */
  public InboxConsumer waitForBusy(Duration patience) {
    if (patience.isNegative()) {
      throw new IllegalArgumentException("A patience is not negative, found " + patience);
    }
    this.busyPatience = patience;
    return this;
  }

  /**
   * What happens when the handler fails for a message of a batch.
   *
   * @param maxFailures how often it may for one message before it is parked; at least 1, 10 by
   *     default
   * @param delay when it is delivered again; 1 second by default
   * @return this
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public InboxConsumer onFailure(int maxFailures, Duration delay) {
    this.failureLimit = new FailureLimit(maxFailures, delay);
    return this;
  }

  /**
   * Leaves it to a container, such as Spring's, to commit or acknowledge when this has returned,
   * and to roll back or recover when it has thrown. The container must do so at once.
   *
   * @return this
   */
  public InboxConsumer settledByContainer() {
    this.settlesSession = false;
    return this;
  }

  /**
   * Receives and consumes one message.
   *
   * @param consumer a consumer of the session
   * @param timeout how long to wait for a message; not zero
   * @param handler what must take effect once
   * @param <X> what the handler throws
   * @return whether there was one
   * @throws X what the handler threw; the delivery is rolled back
   * @throws JMSException if the server could not be told; what took effect is skipped when it is
   *     delivered again
   */
  public <X extends Exception> boolean receive(
      MessageConsumer consumer, Duration timeout, MessageHandler<? super Message, X> handler)
      throws JMSException, X {
    Message message = consumer.receive(millis(timeout));
    if (message == null) {
      return false;
    }
    consume(message, handler);
    return true;
  }

  /**
   * Consumes a message that the session has received, such as in a {@link
   * jakarta.jms.MessageListener} of the session, and acknowledges it.
   *
   * @param message the message
   * @param handler what must take effect once
   * @param <X> what the handler throws
   * @throws X what the handler threw; the delivery is rolled back
   * @throws JMSException if the server could not be told; what took effect is skipped when it is
   *     delivered again
   */
  public <X extends Exception> void consume(
      Message message, MessageHandler<? super Message, X> handler) throws JMSException, X {
    settle(
        List.of(message),
        messages -> {
          DeliveryDecision decision = inbox.consume(messages.get(0), handler);
          return new BatchOutcome(List.of(decision), null);
        });
  }

  /**
   * Receives what is there and consumes it, one message after the other.
   *
   * @param consumer a consumer of the session
   * @param max how many messages to receive at most; at least 1
   * @param timeout how long to wait for the first one; not zero
   * @param handler what must take effect once for each
   * @param <X> what the handler throws; it is not thrown to the caller, but the message delivered
   *     again
   * @return how many messages there were
   * @throws X what the handler threw inside of a transaction of the caller's; all are rolled back
   * @throws JMSException if the server could not be told; what took effect is skipped when it is
   *     delivered again
   */
  public <X extends Exception> int receiveEach(
      MessageConsumer consumer,
      int max,
      Duration timeout,
      MessageHandler<? super Message, X> handler)
      throws JMSException, X {
    List<Message> messages = receive(consumer, max, timeout);
    settle(messages, some -> inbox.consumeEach(some, handler));
    return messages.size();
  }

  /**
   * Receives what is there and consumes it in one call of the handler.
   *
   * @param consumer a consumer of the session
   * @param max how many messages to receive at most; at least 1
   * @param timeout how long to wait for the first one; not zero
   * @param handler what must take effect once for each
   * @param <X> what the handler throws; it is not thrown to the caller, but the message delivered
   *     again
   * @return how many messages there were
   * @throws X what the handler threw in leased mode without a place ({@link
   *     io.idem.messaging.MessageFailedException}), where it is the failure of all of them, or
   *     inside of a transaction of the caller's; all are rolled back
   * @throws JMSException if the server could not be told; what took effect is skipped when it is
   *     delivered again
   */
  public <X extends Exception> int receiveAll(
      MessageConsumer consumer, int max, Duration timeout, BatchHandler<Message, X> handler)
      throws JMSException, X {
    List<Message> messages = receive(consumer, max, timeout);
    settle(messages, some -> inbox.consumeAll(some, handler));
    return messages.size();
  }

  private List<Message> receive(MessageConsumer consumer, int max, Duration timeout)
      throws JMSException {
    List<Message> messages = new ArrayList<>();
    try {
      Message next = consumer.receive(millis(timeout));
      while (next != null) {
        messages.add(next);
        JmsMessages.readWhole(next); // what was not read is gone with the next receive
        next = messages.size() < max ? consumer.receiveNoWait() : null;
      }
    } catch (JMSException | RuntimeException | Error e) {
      if (settlesSession) {
        undo(e); // or the session's next commit would be for these, too
      }
      throw e;
    }
    return messages;
  }

  private <X extends Exception> void settle(List<Message> messages, Consuming<X> consuming)
      throws JMSException, X {
    if (messages.isEmpty()) {
      return;
    }
    boolean interrupted = false;
    try {
      List<Settling> leftOver = decide(messages, consuming);
      interrupted = Thread.interrupted(); // with it, providers tell the server nothing
      for (Settling left : leftOver) {
        left.settle();
      }
      if (settlesSession && session.getTransacted()) {
        session.commit();
      } else if (settlesSession) {
        messages.get(messages.size() - 1).acknowledge(); // and all before it
      }
    } catch (Exception | Error e) {
      if (settlesSession) {
        undo(e);
      }
      throw e;
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void undo(Throwable thrown) {
    boolean interrupted = Thread.interrupted(); // with it, nothing is rolled back
    try {
      if (session.getTransacted()) {
        session.rollback();
      } else {
        session.recover();
      }
    } catch (JMSException | RuntimeException e) {
      thrown.addSuppressed(e); // a session that is lost is rolled back by the server
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Consumes the messages, and says how those are settled that are not done. */
  private <X extends Exception> List<Settling> decide(
      List<Message> messages, Consuming<X> consuming) throws X {
    long deadline = System.nanoTime() + busyPatience.toNanos();
    List<Settling> settlings = new ArrayList<>();
    List<Message> left = messages;
    while (!left.isEmpty()) {
      Turn turn = turn(left, consuming, settlings);
      long millisLeft = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
      if (turn.busyFor == null) {
        left = turn.again;
      } else if (millisLeft > 0 && pause(turn.busyFor, millisLeft)) {
        left = turn.again;
      } else {
        Duration delay = turn.busyFor;
        turn.busy.forEach(message -> settlings.add(() -> sendAgain(message, delay, Map.of())));
        left = turn.again.stream().filter(message -> !turn.busy.contains(message)).toList();
      }
    }
    return settlings;
  }

  /** One way through the inbox. */
  private <X extends Exception> Turn turn(
      List<Message> messages, Consuming<X> consuming, List<Settling> settlings) throws X {
    BatchOutcome outcome;
    try {
      outcome = consuming.consume(messages);
    } catch (StoreUnavailableException e) {
      log.warn("{} messages wait, because the store cannot answer", messages.size(), e);
      return new Turn(messages, messages, STORE_DELAY);
    }
    List<Message> busy = new ArrayList<>();
    List<Message> again = new ArrayList<>();
    Duration busyFor = null;
    for (int i = 0; i < messages.size(); i++) {
      Message message = messages.get(i);
      BatchOutcome.Failure failure = outcome.failure();
      if (failure != null && failure.index() == i) {
        if (failure.cause() instanceof StoreUnavailableException) {
          busy.add(message);
          again.add(message);
          busyFor = STORE_DELAY;
        } else {
          settlings.add(() -> failed(message, failure.cause()));
        }
      } else if (i >= outcome.decisions().size()) {
        again.add(message); // behind the failed one, and not consumed yet
      } else if (outcome.decisions().get(i) instanceof DeliveryDecision.RedeliverLater later) {
        busy.add(message);
        again.add(message);
        busyFor = busyFor == null || later.delay().compareTo(busyFor) < 0 ? later.delay() : busyFor;
      } else if (outcome.decisions().get(i) instanceof DeliveryDecision.Park park) {
        settlings.add(() -> park(message, ParkedMessages.Why.of(park)));
      }
    }
    return new Turn(busy, again, busyFor);
  }

  private static boolean pause(Duration wanted, long mostMillis) {
    try {
      long millis = Math.max(LEAST_PAUSE_MILLIS, wanted.toMillis());
      TimeUnit.MILLISECONDS.sleep(Math.min(millis, mostMillis));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false; // somebody wants to stop: the message is sent again
    }
  }

  private void failed(Message message, Exception cause) throws JMSException {
    int failures =
        1
            + (message.propertyExists(FAILURES_PROPERTY)
                ? message.getIntProperty(FAILURES_PROPERTY)
                : 0);
    if (failures >= failureLimit.mostFailures()) {
      park(
          message,
          new ParkedMessages.Why(null, "Its handler failed " + failures + " times", cause));
    } else {
      log.warn(
          "The handler failed for a message of {}, which is sent again ({} of {})",
          queue,
          failures,
          failureLimit.mostFailures(),
          cause);
      sendAgain(message, failureLimit.delay(), Map.of(FAILURES_PROPERTY, failures));
    }
  }

  private void park(Message message, ParkedMessages.Why why) throws JMSException {
    String id = String.valueOf(message.getJMSMessageID()); // to send it again gives it another
    parked.park(session, message, why);
    ParkingLog.parked(
        log,
        id,
        queue.getQueueName(),
        inbox.consumerGroup(),
        why.reason(),
        why.detail(),
        why.cause());
  }

  private void sendAgain(Message message, Duration delay, Map<String, Object> more)
      throws JMSException {
    Map<String, @Nullable Object> properties = new HashMap<>(more);
    Resending.prepare(message, properties);
    long live = Resending.timeToLive(message, System.currentTimeMillis());
    if (live != 0 && live <= delay.toMillis()) {
      log.warn(
          "Message {} of {} expires before it is delivered again, and is left to the server",
          message.getJMSMessageID(),
          queue);
    }
    try (MessageProducer producer = session.createProducer(placeOf(message))) {
      // Not beyond the end of its life: the server may look for that only when the delay is over.
      producer.setDeliveryDelay(live == 0 ? delay.toMillis() : Math.min(live, delay.toMillis()));
      producer.send(message, message.getJMSDeliveryMode(), message.getJMSPriority(), live);
    }
  }

  /**
   * What reaches the queue. The queue of a topic's subscription, by Artemis' name of it, is one to
   * receive from; what is sent to it as to a queue is refused or dropped.
   */
  private Destination placeOf(Message message) throws JMSException {
    String name = queue.getQueueName();
    return name.contains("::") && message.getJMSDestination() instanceof Topic
        ? session.createTopic(name)
        : queue;
  }

  private static long millis(Duration timeout) {
    return Math.max(1, timeout.toMillis()); // zero would wait for ever
  }

  /**
   * What a way through the inbox has left.
   *
   * @param busy what is being consumed elsewhere
   * @param again what is to go through the inbox again, the busy ones among it
   * @param busyFor when to ask again about the busy ones; null if there are none
   */
  private record Turn(List<Message> busy, List<Message> again, @Nullable Duration busyFor) {}

  /** What becomes of a message that is not done, in the session's transaction. */
  private interface Settling {
    void settle() throws JMSException;
  }

  /** How messages go through the inbox. */
  private interface Consuming<X extends Exception> {
    BatchOutcome consume(List<Message> messages) throws X;
  }
}
