package io.idem.rabbitmq;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.DefaultConsumer;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.ShutdownSignalException;
import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.FailureLimit;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageHandler;
import io.idem.messaging.ParkingLog;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumes the deliveries of a channel, each message once.
 *
 * <pre>{@code
 * Channel channel = connection.createChannel();
 * channel.basicQos(50);
 * new InboxConsumer(channel, inbox, this::book, ParkedDeliveries.deadLettered()).consume("payments");
 * }</pre>
 *
 * <ol>
 *   <li>What was consumed, now or before, is acknowledged.
 *   <li>What is being consumed elsewhere is held: not acknowledged, and tried again after the time
 *       that the inbox suggests, give or take half of it. The channel's other deliveries go on
 *       meanwhile. A delivery that is held is counted by no queue.
 *   <li>What was held for long enough goes to the end of its queue, as a copy that the broker has
 *       confirmed, and is acknowledged. A requeue instead would count against a quorum queue's
 *       delivery limit before RabbitMQ 4.3.
 *   <li>If the handler fails, the delivery is held and tried again, as often as allowed, and then
 *       parked. That it was busy does not count, and neither does a store that cannot answer.
 *   <li>What can never be consumed is parked.
 * </ol>
 *
 * <p>A held delivery takes a place of the channel's prefetch: give it some to spare. The handler is
 * called for one delivery at a time, on the connection's threads or on one of this consumer's.
 * Thread-safe once it consumes.
 */
public final class InboxConsumer extends DefaultConsumer {

  private static final Logger log = LoggerFactory.getLogger("io.idem.rabbitmq");
  private static final Duration STORE_DELAY = Duration.ofSeconds(1);
  private static final long LEAST_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private final Inbox<Delivery> inbox;
  private final MessageHandler<? super Delivery, ?> handler;
  private final ParkedDeliveries parked;
  private final DeliveryCopies copies;
  private final ReentrantLock oneAtATime = new ReentrantLock();
  private final ScheduledThreadPoolExecutor timer = newTimer();
  private volatile @Nullable String queue;
  private Duration holdAtMost = Duration.ofMinutes(10);
  private FailureLimit failureLimit = FailureLimit.DEFAULT;

  /**
   * A delivery that is not settled.
   *
   * @param sinceNanos when it came, by the JVM's clock
   * @param failures how often its handler failed
   */
  private record Held(Delivery delivery, long sinceNanos, int failures) {

    long tag() {
      return delivery.getEnvelope().getDeliveryTag();
    }

    Held failedOnceMore() {
      return new Held(delivery, sinceNanos, failures + 1);
    }
  }

  /**
   * Creates a consumer that does not consume yet.
   *
   * @param channel the channel, whose prefetch limit is set
   * @param inbox the inbox, such as {@link RabbitMessages#inbox} begins it
   * @param handler what must take effect once for each message
   * @param parked where deliveries go that cannot be consumed
   */
  public InboxConsumer(
      Channel channel,
      Inbox<Delivery> inbox,
      MessageHandler<? super Delivery, ?> handler,
      ParkedDeliveries parked) {
    super(channel);
    this.inbox = inbox;
    this.handler = handler;
    this.parked = parked;
    this.copies = new DeliveryCopies(channel::getConnection);
  }

  /**
   * How long a delivery is held that is being consumed elsewhere, or cannot be parked, before a
   * copy of it goes to the end of the queue.
   *
   * @param time more than nothing, and less than the broker's {@code consumer_timeout}, which is 30
   *     minutes by default and closes the channel; 10 minutes by default
   * @return this
   * @throws IllegalArgumentException if it is not more than nothing
   */
  public InboxConsumer holdAtMost(Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException("A delivery is held for some time, found " + time);
    }
    this.holdAtMost = time;
    return this;
  }

  /**
   * What happens when the handler fails.
   *
   * @param maxFailures how often it may for one delivery before that is parked; at least 1, 10 by
   *     default
   * @param delay how long to wait in between; 1 second by default. All of them together take less
   *     than the broker's {@code consumer_timeout}
   * @return this
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public InboxConsumer onFailure(int maxFailures, Duration delay) {
    this.failureLimit = new FailureLimit(maxFailures, delay);
    return this;
  }

  /**
   * Begins to consume, with acknowledgements.
   *
   * @param queue the queue; a consumer has one
   * @return the consumer tag, which ends it with {@link Channel#basicCancel}
   * @throws IOException if the broker refuses
   * @throws IllegalArgumentException if deliveries would be parked in that queue itself
   */
  public String consume(String queue) throws IOException {
    if (parked instanceof PublishedTo place && place.isIn(queue)) {
      throw new IllegalArgumentException(
          "What is parked in queue '"
              + queue
              + "' itself would be consumed and parked again and again: choose another one");
    }
    this.queue = queue;
    return getChannel().basicConsume(queue, false, this);
  }

  @Override
  public void handleDelivery(
      String consumerTag, Envelope envelope, AMQP.BasicProperties properties, byte[] body) {
    Delivery delivery = DeliveryCopies.original(new Delivery(envelope, properties, body));
    attempt(new Held(delivery, System.nanoTime(), 0));
  }

  /** What is held goes on; there is nobody else to tell. */
  @Override
  public void handleCancel(String consumerTag) {
    log.error(
        "The broker has cancelled the consumer {} of queue '{}', which consumes no more: its queue"
            + " was deleted, or has moved to another node",
        consumerTag,
        queue);
  }

  /** The broker delivers again what was held on a channel that is closed. */
  @Override
  public void handleShutdownSignal(String consumerTag, ShutdownSignalException reason) {
    timer.getQueue().clear();
  }

  private void attempt(Held held) {
    oneAtATime.lock();
    try {
      if (getChannel().isOpen()) {
        settle(held);
      }
    } catch (IOException | ShutdownSignalException e) {
      log.info(
          "A delivery could not be settled, because its channel has closed: it is delivered again,"
              + " and skipped if it was consumed",
          e);
    } finally {
      oneAtATime.unlock();
    }
  }

  private void settle(Held held) throws IOException {
    AtomicBoolean called = new AtomicBoolean();
    DeliveryDecision decision;
    try {
      decision =
          inbox.consume(
              held.delivery,
              (delivery, attempt) -> {
                called.set(true);
                handler.handle(delivery, attempt);
              });
    } catch (StoreUnavailableException e) {
      log.warn("A delivery is held, because the store cannot answer", e);
      hold(held, STORE_DELAY);
      return;
    } catch (Exception e) {
      if (called.get()) {
        failed(held.failedOnceMore(), e);
      } else { // such as by an engine that is closed: it says nothing about the message
        log.warn("A delivery is held, because its inbox cannot answer", e);
        hold(held, STORE_DELAY);
      }
      return;
    }
    if (decision instanceof DeliveryDecision.RedeliverLater later) {
      hold(held, later.delay());
    } else if (decision instanceof DeliveryDecision.Park park) {
      park(held, ParkedDeliveries.Why.of(park));
    } else {
      getChannel().basicAck(held.tag(), false);
    }
  }

  private void hold(Held held, Duration delay) throws IOException {
    String from = queue;
    if (System.nanoTime() - held.sinceNanos >= holdAtMost.toNanos() && from != null) {
      try {
        copies.toEndOf(from, held.delivery);
        getChannel().basicAck(held.tag(), false);
        return;
      } catch (IOException e) {
        log.warn("A delivery is held on, because it could not be put back into its queue", e);
      }
    }
    again(held, delay);
  }

  private void failed(Held held, Exception cause) throws IOException {
    if (held.failures < failureLimit.mostFailures()) {
      log.warn(
          "The handler failed for a delivery, which is tried again ({} of {})",
          held.failures,
          failureLimit.mostFailures(),
          cause);
      again(held, failureLimit.delay());
      return;
    }
    park(
        held,
        new ParkedDeliveries.Why(null, "Its handler failed " + held.failures + " times", cause));
  }

  private void park(Held held, ParkedDeliveries.Why why) throws IOException {
    ParkedDeliveries.Settlement settlement;
    try {
      settlement = parked.park(held.delivery, why);
    } catch (IOException | RuntimeException e) {
      log.error("A delivery could not be parked, and is tried again ({})", why.detail(), e);
      hold(held, failureLimit.delay());
      return;
    }
    String from = queue;
    ParkingLog.parked(
        log,
        "with tag " + held.tag(), // its message id may be its key
        from == null ? held.delivery.getEnvelope().getRoutingKey() : from,
        inbox.consumerGroup(),
        why.reason(),
        why.detail(),
        why.cause());
    if (settlement == ParkedDeliveries.Settlement.ACKNOWLEDGE) {
      getChannel().basicAck(held.tag(), false);
    } else {
      getChannel().basicReject(held.tag(), false);
    }
  }

  private void again(Held held, Duration delay) {
    long most = Math.max(delay.toNanos(), LEAST_DELAY_NANOS);
    long nanos = most / 2 + ThreadLocalRandom.current().nextLong(most);
    Future<?> unused = timer.schedule(() -> again(held), nanos, TimeUnit.NANOSECONDS);
  }

  private void again(Held held) {
    try {
      attempt(held);
    } catch (RuntimeException | Error e) {
      log.error("A consumer has failed: its channel is closed, and its deliveries come again", e);
      closeQuietly(getChannel());
      throw e;
    }
  }

  private static void closeQuietly(Channel channel) {
    try {
      channel.abort(AMQP.INTERNAL_ERROR, "A consumer has failed");
    } catch (IOException e) {
      log.info("A channel did not close", e);
    }
  }

  /** Its thread goes when nothing is held. */
  private static ScheduledThreadPoolExecutor newTimer() {
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread thread = new Thread(work, "idem-rabbitmq-held");
              thread.setDaemon(true);
              return thread;
            });
    timer.setKeepAliveTime(10, TimeUnit.SECONDS);
    timer.allowCoreThreadTimeOut(true);
    return timer;
  }
}
