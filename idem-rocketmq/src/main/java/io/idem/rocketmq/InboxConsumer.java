package io.idem.rocketmq;

import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.ParkingLog;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.client.producer.MQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.MessageExt;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes listeners of a push consumer that consume each message once.
 *
 * <pre>{@code
 * Inbox<MessageExt> inbox = RocketMqMessages.inbox(engine, "book-payment", "accounting").build();
 * InboxConsumer inboxed =
 *     new InboxConsumer(inbox, producer, ParkedMessages.to(producer, "accounting-parked"));
 * consumer.registerMessageListener(
 *     inboxed.concurrently((message, attempt) -> book(message.getBody(), attempt)));
 * }</pre>
 *
 * <p>A {@link #concurrently concurrent} listener settles each message of its batch:
 *
 * <ol>
 *   <li>What is done, is acknowledged; what can never be consumed, is parked and acknowledged, with
 *       a warning in the log.
 *   <li>A message that is being consumed elsewhere, or that the store cannot answer for, is asked
 *       for again here for a while. If it is still not done, it is sent to the group's retry topic
 *       with a delay and the number of failures as it was, and acknowledged: {@code
 *       RECONSUME_LATER} would count as a failure, and after {@code maxReconsumeTimes} a message
 *       that was only busy would be a dead letter.
 *   <li>A message whose handler failed is handed back, and the broker counts, delays and gives up
 *       by its own rules. What is at the end of the batch is handed back by {@code ackIndex}; from
 *       the middle, where that would hand back its neighbours as well, it is sent to the group's
 *       retry topic with the number of failures counted up, which is the same to the broker.
 * </ol>
 *
 * <p>An {@link #orderly orderly} listener stops at the first message that is not done and suspends
 * the queue, since nothing may overtake it. The count of failures, which is the client's own there,
 * goes up for a failed message alone.
 *
 * <p>For consumers in clustering mode: in broadcasting mode the client drops what is handed back.
 * Thread-safe once it is set up.
 */
public final class InboxConsumer {

  private static final Logger log = LoggerFactory.getLogger("io.idem.rocketmq");
  private static final Duration STORE_DELAY = Duration.ofSeconds(1);
  private static final long LEAST_PAUSE_MILLIS = 10;

  /** The delay level of a first failure, as the client has it. */
  private static final int CLIENTS_FIRST_LEVEL = 3;

  private final Inbox<MessageExt> inbox;
  private final MQProducer producer;
  private final ParkedMessages parked;
  private Duration busyPatience = Duration.ofSeconds(5);
  private int busyDelayLevel = 3;

  /**
   * Creates what makes listeners.
   *
   * @param inbox the inbox, such as {@link RocketMqMessages#inbox} begins it; its consumer group is
   *     the consumer's
   * @param producer a producer that was started, for busy messages
   * @param parked where messages go that cannot be consumed
   */
  public InboxConsumer(Inbox<MessageExt> inbox, MQProducer producer, ParkedMessages parked) {
    this.inbox = inbox;
    this.producer = producer;
    this.parked = parked;
  }

  /**
   * How a message that is being consumed elsewhere is waited for. Called before listeners are made.
   *
   * @param patience how long it is waited for before it is sent again, during which a thread of the
   *     consumer is taken; 5 seconds by default, and always less than the consumer's {@code
   *     consumeTimeout}
   * @param delayLevel the broker's delay level of what is sent again, starting at 1; 3 by default,
   *     which is 10 seconds unless the broker says otherwise
   * @return this
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public InboxConsumer waitForBusy(Duration patience, int delayLevel) {
    if (patience.isNegative() || delayLevel < 1) {
      throw new IllegalArgumentException(
          "A patience is not negative, and delay levels start at 1, found "
              + patience
              + " and "
              + delayLevel);
    }
    this.busyPatience = patience;
    this.busyDelayLevel = delayLevel;
    return this;
  }

  /**
   * A listener that consumes the messages of a batch one after the other.
   *
   * @param handler what must take effect once for each; what it throws hands the message back
   * @return the listener; thread-safe
   */
  public MessageListenerConcurrently concurrently(
      MessageHandler<? super MessageExt, Exception> handler) {
    return (messages, context) ->
        concurrently(messages, context, some -> inbox.consumeEach(some, handler));
  }

  /**
   * A listener that consumes the messages of a batch in one call of the handler.
   *
   * @param handler what must take effect once for each; what it throws hands messages back
   * @return the listener; thread-safe
   */
  public MessageListenerConcurrently concurrentlyAll(BatchHandler<MessageExt, Exception> handler) {
    return (messages, context) ->
        concurrently(messages, context, some -> inbox.consumeAll(some, handler));
  }

  /**
   * A listener that keeps the order of each queue, one message after the other.
   *
   * @param handler what must take effect once for each; what it throws suspends the queue
   * @return the listener; thread-safe
   */
  public MessageListenerOrderly orderly(MessageHandler<? super MessageExt, Exception> handler) {
    return (messages, context) -> orderly(messages, handler);
  }

  private ConsumeConcurrentlyStatus concurrently(
      List<MessageExt> messages, ConsumeConcurrentlyContext context, Consuming consuming) {
    Delivery delivery = new Delivery(messages, consuming);
    int firstFailed = delivery.settle();
    if (firstFailed < messages.size()) {
      context.setAckIndex(firstFailed - 1);
    }
    if (delivery.handsBackBusy && context.getDelayLevelWhenNextConsume() < 0) {
      context.setDelayLevelWhenNextConsume(busyDelayLevel); // not to the dead letters: it may run
    }
    return firstFailed == 0
        ? ConsumeConcurrentlyStatus.RECONSUME_LATER
        : ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
  }

  private ConsumeOrderlyStatus orderly(
      List<MessageExt> messages, MessageHandler<? super MessageExt, Exception> handler) {
    for (int i = 0; i < messages.size(); i++) {
      MessageExt message = messages.get(i);
      Step step = step(message, handler, System.nanoTime() + busyPatience.toNanos());
      if (step == Step.DONE) {
        continue;
      }
      for (MessageExt each : messages) {
        if (step == Step.BUSY || each != message) {
          each.setReconsumeTimes(each.getReconsumeTimes() - 1); // the client adds one to all
        }
      }
      return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
    }
    return ConsumeOrderlyStatus.SUCCESS;
  }

  private Step step(
      MessageExt message, MessageHandler<? super MessageExt, Exception> handler, long deadline) {
    while (true) {
      Duration delay;
      try {
        DeliveryDecision decision = inbox.consume(message, handler);
        if (decision instanceof DeliveryDecision.Park park) {
          keep(message, park);
        }
        if (!(decision instanceof DeliveryDecision.RedeliverLater later)) {
          return Step.DONE;
        }
        delay = later.delay();
      } catch (StoreUnavailableException e) {
        log.warn(
            "Message {} of {} waits, because the store cannot answer",
            message.getMsgId(),
            message.getTopic(),
            e);
        delay = STORE_DELAY;
      } catch (Exception e) {
        log.warn(
            "Message {} of {} is not consumed by {}, and its queue waits",
            message.getMsgId(),
            message.getTopic(),
            inbox.consumerGroup(),
            e);
        return Step.FAILED;
      }
      if (!pause(delay, deadline)) {
        return Step.BUSY;
      }
    }
  }

  private void keep(MessageExt message, DeliveryDecision.Park why) throws Exception {
    parked.park(message, why);
    ParkingLog.parked(
        log,
        message.getMsgId(),
        message.getTopic(),
        inbox.consumerGroup(),
        why.reason(),
        why.detail(),
        why.cause());
  }

  /** Waits as long as wanted, but not beyond the deadline; false if that has passed. */
  private static boolean pause(Duration wanted, long deadline) {
    long millisLeft = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
    if (millisLeft <= 0) {
      return false;
    }
    try {
      TimeUnit.MILLISECONDS.sleep(
          Math.min(Math.max(LEAST_PAUSE_MILLIS, wanted.toMillis()), millisLeft));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private enum Step {
    DONE,
    BUSY,
    FAILED
  }

  /** The messages of one call of a concurrent listener. */
  private final class Delivery {

    private final List<MessageExt> messages;
    private final Consuming consuming;
    private final BitSet failed = new BitSet();

    /** Whether a message is handed back that has not failed, because it could not be sent. */
    private boolean handsBackBusy;

    private boolean interrupted;

    Delivery(List<MessageExt> messages, Consuming consuming) {
      this.messages = messages;
      this.consuming = consuming;
    }

    /** The index of the first message that failed; the number of messages if none did. */
    int settle() {
      try {
        return settleAll();
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private int settleAll() {
      long deadline = System.nanoTime() + busyPatience.toNanos();
      List<Integer> left = new ArrayList<>();
      for (int i = 0; i < messages.size(); i++) {
        left.add(i);
      }
      while (!left.isEmpty()) {
        left = turn(left, deadline);
      }
      if (failed.cardinality() < messages.size() - firstFailed()) { // others are behind the first
        for (int index : failed.stream().toArray()) {
          if (sendFailedAgain(index)) {
            failed.clear(index);
          }
        }
      }
      return firstFailed();
    }

    private int firstFailed() {
      int first = failed.nextSetBit(0);
      return first < 0 ? messages.size() : first;
    }

    /** One way through the inbox; which messages are to go again. */
    private List<Integer> turn(List<Integer> indexes, long deadline) {
      BatchOutcome outcome;
      try {
        outcome = consuming.consume(indexes.stream().map(messages::get).toList());
      } catch (StoreUnavailableException e) {
        log.warn("{} messages wait, because the store cannot answer", indexes.size(), e);
        return afterBusy(indexes, indexes, STORE_DELAY, deadline);
      } catch (Exception e) {
        indexes.forEach(index -> failed(index, e)); // of all of them: nobody knows which
        return List.of();
      }
      List<Integer> again = new ArrayList<>();
      List<Integer> busy = new ArrayList<>();
      Duration delay = null;
      for (int i = 0; i < indexes.size(); i++) {
        int index = indexes.get(i);
        Duration wait = delayOf(index, i, outcome, again);
        if (wait != null) {
          busy.add(index);
          delay = delay == null || wait.compareTo(delay) < 0 ? wait : delay;
        }
      }
      return delay == null ? again : afterBusy(again, busy, delay, deadline);
    }

    /** When to ask again about a message; null if it is not busy. */
    private @Nullable Duration delayOf(
        int index, int place, BatchOutcome outcome, List<Integer> again) {
      BatchOutcome.Failure failure = outcome.failure();
      if (failure != null && failure.index() == place) {
        if (failure.cause() instanceof StoreUnavailableException) {
          again.add(index);
          return STORE_DELAY;
        }
        failed(index, failure.cause());
        return null;
      } else if (place >= outcome.decisions().size()) {
        again.add(index); // behind the failed one, and not consumed yet
        return null;
      }
      DeliveryDecision decision = outcome.decisions().get(place);
      if (decision instanceof DeliveryDecision.RedeliverLater later) {
        again.add(index);
        return later.delay();
      } else if (decision instanceof DeliveryDecision.Park park) {
        park(index, park);
      }
      return null;
    }

    private List<Integer> afterBusy(
        List<Integer> again, List<Integer> busy, Duration delay, long deadline) {
      if (!interrupted && pause(delay, deadline)) {
        return again;
      }
      interrupted |= Thread.interrupted(); // told again at the end: nothing could be sent before
      for (int index : busy) {
        if (!sendAgain(index, messages.get(index).getReconsumeTimes(), busyDelayLevel)) {
          failed.set(index);
          handsBackBusy = true;
        }
      }
      return again.stream().filter(index -> !busy.contains(index)).toList();
    }

    private boolean sendFailedAgain(int index) {
      int failures = messages.get(index).getReconsumeTimes() + 1;
      return sendAgain(index, failures, CLIENTS_FIRST_LEVEL + failures - 1);
    }

    /** False if the broker did not confirm it. */
    private boolean sendAgain(int index, int failures, int delayLevel) {
      MessageExt message = messages.get(index);
      try {
        SendStatus status =
            producer
                .send(Resending.again(message, inbox.consumerGroup(), failures, delayLevel))
                .getSendStatus();
        if (status == SendStatus.SEND_OK) {
          return true;
        }
        log.warn(
            "Message {} of {} could not be sent again: {}",
            message.getMsgId(),
            message.getTopic(),
            status);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      } catch (Exception e) {
        log.warn(
            "Message {} of {} could not be sent again", message.getMsgId(), message.getTopic(), e);
      }
      return false;
    }

    private void park(int index, DeliveryDecision.Park why) {
      try {
        keep(messages.get(index), why);
      } catch (Exception e) {
        failed(index, e);
      }
    }

    private void failed(int index, Exception cause) {
      failed.set(index);
      MessageExt message = messages.get(index);
      log.warn(
          "Message {} of {} is not consumed by {}, and handed back ({} times before)",
          message.getMsgId(),
          message.getTopic(),
          inbox.consumerGroup(),
          message.getReconsumeTimes(),
          cause);
    }
  }

  /** How messages go through the inbox. */
  private interface Consuming {
    BatchOutcome consume(List<MessageExt> messages) throws Exception;
  }
}
