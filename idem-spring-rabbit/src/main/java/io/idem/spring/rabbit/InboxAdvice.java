package io.idem.spring.rabbit;

import com.rabbitmq.client.Channel;
import io.idem.core.Attempt;
import io.idem.core.Mode;
import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageFailedException;
import io.idem.messaging.ParkingLog;
import io.idem.rabbitmq.DeliveryCopies;
import io.idem.rabbitmq.ParkedDeliveries;
import io.idem.spring.ListenerCall;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.AmqpRejectAndDontRequeueException;
import org.springframework.amqp.ImmediateRequeueAmqpException;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.listener.ListenerExecutionFailedException;
import org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer;
import org.springframework.amqp.rabbit.listener.adapter.BatchMessagingMessageListenerAdapter;
import org.springframework.aop.ProxyMethodInvocation;

/**
 * Puts the inbox around a listener: advice for a container, to which {@link
 * IdempotentRabbitListeners#protect(org.springframework.amqp.rabbit.listener.AbstractMessageListenerContainer,
 * InboxAdvice)} adds it as the last of the chain, so that what retries goes around it.
 *
 * <ol>
 *   <li>The listener runs for what is fresh, and is not called for what was consumed before. A
 *       batch listener is called with the fresh messages alone.
 *   <li>A message that is being consumed elsewhere waits on the container's thread. If it has
 *       waited for long enough, a confirmed copy of it goes to the end of its queue and it is
 *       acknowledged. Nothing is thrown, so that neither a retry interceptor nor a quorum queue's
 *       delivery limit counts it.
 *   <li>A message that can never be consumed is rejected without a requeue, for the queue's
 *       dead-letter exchange, or {@linkplain #parkTo published}, which tells why. The others of its
 *       batch are acknowledged.
 *   <li>What the listener throws is thrown. Of a batch, what was done before is acknowledged; if
 *       the container would not requeue what failed, that alone is rejected, and what is behind it
 *       is consumed.
 * </ol>
 *
 * <p>For containers that acknowledge by themselves ({@code AUTO}). Thread-safe.
 */
public final class InboxAdvice implements MethodInterceptor {

  private static final Logger log = LoggerFactory.getLogger("io.idem.rabbitmq");
  private static final Duration STORE_DELAY = Duration.ofSeconds(1);
  private static final Duration PARKING_DELAY = Duration.ofSeconds(1);
  private static final long LEAST_DELAY_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long NAP_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private final Function<String, Inbox<Message>> inboxes;
  private final Duration holdAtMost;
  private final BooleanSupplier running;

  /** Whether a batch listener is called only when its adapter could read all of its messages. */
  private final BooleanSupplier readsAllFirst;

  private final @Nullable Address parking;

  /** The container that is told of failures at once; null if something may retry before. */
  private final @Nullable AbstractMessageListenerContainer told;

  @SuppressWarnings("ThreadLocalUsage") // one for each container, and removed when it has ended
  private final ThreadLocal<@Nullable Settling> settlings = new ThreadLocal<>();

  /** One for all queues, given by hand. */
  private record OneInbox(Inbox<Message> inbox) implements Function<String, Inbox<Message>> {
    @Override
    public Inbox<Message> apply(String queue) {
      return inbox;
    }
  }

  /** Where parked messages are published. */
  private record Address(String exchange, String routingKey) {}

  /**
   * Creates advice that holds a message for at most a minute.
   *
   * @param inbox the inbox, such as {@link AmqpMessages#inbox} begins it
   */
  public InboxAdvice(Inbox<Message> inbox) {
    this(new OneInbox(inbox));
  }

  /** The inbox of each queue that the container consumes. */
  InboxAdvice(Function<String, Inbox<Message>> inboxes) {
    this(inboxes, Duration.ofMinutes(1), () -> true, () -> false, null, null);
  }

  private InboxAdvice(
      Function<String, Inbox<Message>> inboxes,
      Duration holdAtMost,
      BooleanSupplier running,
      BooleanSupplier readsAllFirst,
      @Nullable Address parking,
      @Nullable AbstractMessageListenerContainer told) {
    this.inboxes = inboxes;
    this.holdAtMost = holdAtMost;
    this.running = running;
    this.readsAllFirst = readsAllFirst;
    this.parking = parking;
    this.told = told;
  }

  /**
   * Advice that holds a message for another time. Meanwhile its consumer does nothing else.
   *
   * @param time more than nothing, and less than the broker's {@code consumer_timeout}, which is 30
   *     minutes by default
   * @return new advice
   * @throws IllegalArgumentException if it is not more than nothing
   */
  public InboxAdvice holdAtMost(Duration time) {
    if (time.isNegative() || time.isZero()) {
      throw new IllegalArgumentException("A message is held for some time, found " + time);
    }
    return new InboxAdvice(inboxes, time, running, readsAllFirst, parking, told);
  }

  /**
   * Advice that publishes messages that cannot be consumed, with the reason in the headers {@value
   * DeliveryCopies#REASON_HEADER} and {@value DeliveryCopies#DETAIL_HEADER}, and acknowledges them.
   *
   * @param exchange the exchange; empty for the default exchange
   * @param routingKey the routing key, for which the exchange must have a queue
   * @return new advice
   */
  public InboxAdvice parkTo(String exchange, String routingKey) {
    return new InboxAdvice(
        inboxes, holdAtMost, running, readsAllFirst, new Address(exchange, routingKey), told);
  }

  /**
   * Advice that waits only while a container runs, and that knows what the container calls.
   *
   * @param isAlone whether it is the container's only advice
   */
  InboxAdvice in(AbstractMessageListenerContainer container, boolean isAlone) {
    return new InboxAdvice(
        inboxes,
        holdAtMost,
        container::isActive, // it runs until its consumers have ended
        () -> container.getMessageListener() instanceof BatchMessagingMessageListenerAdapter,
        parking,
        isAlone ? container : null);
  }

  /** The mode of an inbox that was given by hand; null of a listener's, which is not known yet. */
  @Nullable Mode mode() {
    return inboxes instanceof OneInbox given ? given.inbox().operation().mode() : null;
  }

  /**
   * Whether it parks in a queue by the queue's name. What is bound to an exchange nobody can ask.
   */
  boolean parksIn(String queue) {
    return parking != null && parking.exchange().isEmpty() && parking.routingKey().equals(queue);
  }

  @Override
  public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
    Object[] arguments = invocation.getArguments();
    if (arguments.length == 2
        && arguments[0] instanceof Channel channel
        && invocation instanceof ProxyMethodInvocation proxied) {
      if (arguments[1] instanceof Message message) {
        new Round(proxied, channel, List.of(message), false).run();
        return null;
      } else if (arguments[1] instanceof List<?> messages) {
        new Round(proxied, channel, messages.stream().map(Message.class::cast).toList(), true)
            .run();
        return null;
      }
    }
    return invocation.proceed();
  }

  /** The way of what the container has delivered at once. Not thread-safe. */
  private final class Round {

    private final ListenerCall call;
    private final ListenersChannel listenersChannel;
    private final List<Message> messages;
    private final boolean batch;
    private final DeliveryCopies copies;
    private final Settling settling;
    private final Set<Message> done = Collections.newSetFromMap(new IdentityHashMap<>());
    private final Set<Message> rejected = Collections.newSetFromMap(new IdentityHashMap<>());
    private final long sinceNanos = System.nanoTime();
    private Duration delay = Duration.ZERO;
    private @Nullable Exception rejection;
    private boolean interrupted;

    /** What the listener of a batch was called with last. */
    private List<Message> given = List.of();

    /** Whether the failure of a batch is told at its first fresh message for want of a better. */
    private boolean isPlaceUnknown;

    Round(
        ProxyMethodInvocation invocation, Channel channel, List<Message> messages, boolean batch) {
      this.listenersChannel = new ListenersChannel(channel);
      if (batch) {
        invocation.setArguments(listenersChannel.proxy(), invocation.getArguments()[1]);
      }
      this.call = ListenerCall.of(invocation, 1, ListenerExecutionFailedException.class);
      this.messages = messages;
      this.batch = batch;
      this.copies = new DeliveryCopies(channel::getConnection);
      this.settling = settlingOf(channel, messages);
    }

    void run() throws Exception {
      try {
        consumeAll();
      } finally {
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }

    private void consumeAll() throws Exception {
      messages.forEach(AmqpMessages::restore);
      List<Message> left = messages.stream().filter(settling::isOpen).toList();
      while (true) {
        left = consume(left);
        if (left.isEmpty()) {
          break;
        }
        if (System.nanoTime() - sinceNanos >= holdAtMost.toNanos()) {
          left = left.stream().filter(message -> !isPutBack(message)).toList();
        }
        if (!left.isEmpty() && !pause()) {
          left = left.stream().filter(message -> !isPutBack(message)).toList();
          if (!left.isEmpty()) {
            throw new ImmediateRequeueAmqpException(
                "The container or its thread stops while a message is being consumed elsewhere");
          }
        }
      }
      if (rejection != null) {
        settle(rejection);
      }
      settlings.remove();
    }

    /** Consumes what can be, and answers with what is busy. */
    private List<Message> consume(List<Message> left) throws Exception {
      Map<String, List<Message>> byQueue = new LinkedHashMap<>();
      for (Message message : left) {
        byQueue.computeIfAbsent(queueOf(message), queue -> new ArrayList<>()).add(message);
      }
      delay = Duration.ZERO;
      Set<Message> busy = Collections.newSetFromMap(new IdentityHashMap<>());
      for (Map.Entry<String, List<Message>> each : byQueue.entrySet()) {
        Inbox<Message> inbox = inboxes.apply(each.getKey());
        try {
          if (batch) {
            batch(inbox, each.getValue(), busy);
          } else {
            Message message = each.getValue().get(0);
            decide(
                message,
                inbox.consume(message, (fresh, attempt) -> call.proceed(fresh, attempt)),
                busy);
          }
        } catch (StoreUnavailableException e) {
          log.warn("{} messages wait, because the store cannot answer", each.getValue().size(), e);
          busy.addAll(each.getValue().stream().filter(message -> !isDecided(message)).toList());
          delay = STORE_DELAY;
        } catch (Exception e) {
          throw call.asThrown(e);
        }
      }
      return left.stream().filter(busy::contains).toList();
    }

    private void batch(Inbox<Message> inbox, List<Message> left, Set<Message> busy)
        throws Exception {
      List<Message> rest = left;
      while (!rest.isEmpty()) {
        isPlaceUnknown = false;
        given = List.of();
        BatchOutcome outcome;
        try {
          outcome = inbox.consumeAll(rest, this::call);
        } catch (StoreUnavailableException e) {
          throw e;
        } catch (Exception e) {
          rest = withoutGiven(rest, e);
          continue;
        }
        for (int i = 0; i < outcome.decisions().size(); i++) {
          decide(rest.get(i), outcome.decisions().get(i), busy);
        }
        BatchOutcome.Failure failure = outcome.failure();
        if (failure == null) {
          return;
        }
        Message failed = rest.get(failure.index());
        switch (isPlaceUnknown
            ? FailureVerdict.LEFT_TO_CONTAINER
            : verdict(failed, failure.cause())) {
          case LEFT_TO_CONTAINER -> {
            busy.removeIf(
                this::isPutBack); // or it would be requeued, and counted, with what failed
            acknowledgeDone();
            throw failure.cause();
          }
          case REJECT -> reject(failed, failure.cause());
          case DISCARD -> done.add(failed);
        }
        rest = rest.subList(failure.index() + 1, rest.size());
      }
    }

    /** What is left of a batch whose listener has failed for all that it was given: leased. */
    private List<Message> withoutGiven(List<Message> rest, Exception cause) throws Exception {
      if (given.isEmpty()) {
        throw cause;
      }
      Set<Message> failed = Collections.newSetFromMap(new IdentityHashMap<>());
      for (Message message : given) {
        switch (verdict(message, cause)) {
          case LEFT_TO_CONTAINER -> throw cause;
          case REJECT -> reject(message, cause);
          case DISCARD -> done.add(message);
        }
        failed.add(message);
      }
      return rest.stream().filter(message -> !failed.contains(message)).toList();
    }

    private FailureVerdict verdict(Message failed, Exception cause) {
      AbstractMessageListenerContainer container = told;
      return container == null
          ? FailureVerdict.of(cause)
          : FailureVerdict.of(call.asThrown(cause), failed, container);
    }

    /** Calls the batch listener, and tells which message its adapter would have rejected. */
    private void call(List<BatchHandler.Fresh<Message>> fresh) throws Exception {
      Attempt attempt = fresh.get(0).attempt();
      given = fresh.stream().map(BatchHandler.Fresh::message).toList();
      try {
        call.proceed(
            given, attempt, (failure, isListeners) -> refused(failure, isListeners, fresh));
      } catch (MessageFailedException e) {
        isPlaceUnknown = e.index() < 0 && attempt.mode() == Mode.LEASED;
        throw e;
      }
    }

    private @Nullable MessageFailedException refused(
        Exception failure, boolean isListeners, List<BatchHandler.Fresh<Message>> fresh) {
      OptionalLong refused = listenersChannel.refused();
      // A listener that rejects on the channel by itself may have done something before.
      boolean isCertain = readsAllFirst.getAsBoolean() && !isListeners;
      if (refused.isEmpty() || (fresh.get(0).attempt().mode() == Mode.LEASED && !isCertain)) {
        return null;
      }
      for (BatchHandler.Fresh<Message> each : fresh) {
        if (tagOf(each.message()) == refused.getAsLong()) {
          return MessageFailedException.beforeAny(
              each,
              new AmqpRejectAndDontRequeueException(
                  "A message of a batch cannot be given to its listener", failure));
        }
      }
      return null;
    }

    private void decide(Message message, DeliveryDecision decision, Set<Message> busy) {
      if (decision instanceof DeliveryDecision.RedeliverLater later) {
        again(message, later.delay(), busy);
      } else if (decision instanceof DeliveryDecision.Park park) {
        park(message, park, busy);
      } else {
        done.add(message);
      }
    }

    private void again(Message message, Duration after, Set<Message> busy) {
      busy.add(message);
      if (after.compareTo(delay) > 0) {
        delay = after;
      }
    }

    private void reject(Message message, Exception cause) {
      rejected.add(message);
      rejection = cause;
    }

    private boolean isDecided(Message message) {
      return done.contains(message) || rejected.contains(message);
    }

    private void park(Message message, DeliveryDecision.Park park, Set<Message> busy) {
      if (parking == null) {
        reject(message, new DeliveryParkedException(park));
        told(message, park);
        return;
      }
      try {
        ParkedDeliveries.publishedTo(copies, parking.exchange(), parking.routingKey())
            .park(AmqpMessages.delivery(message), ParkedDeliveries.Why.of(park));
        done.add(message);
        told(message, park);
      } catch (IOException e) {
        // Its queue may have no dead-letter exchange: to reject it could be to drop it.
        log.error("A message waits, because it could not be parked ({})", park.detail(), e);
        again(message, PARKING_DELAY, busy);
      }
    }

    private void told(Message message, DeliveryDecision.Park park) {
      if (settling.isToldFirst(message)) {
        String queue = queueOf(message);
        ParkingLog.parked(
            log,
            "with tag " + tagOf(message), // its message id may be its key
            queue,
            inboxes.apply(queue).consumerGroup(),
            park.reason(),
            park.detail(),
            park.cause());
      }
    }

    private boolean isPutBack(Message message) {
      try {
        copies.toEndOf(queueOf(message), AmqpMessages.delivery(message));
        done.add(message);
        return true;
      } catch (IOException e) {
        log.warn("A message waits on, because it could not be put back into its queue", e);
        return false;
      }
    }

    /**
     * Tells the container to reject. It settles all of a batch up to its last message, so the
     * others are settled here, and the last one is left to it.
     */
    private void settle(Exception cause) throws IOException {
      acknowledgeDone();
      for (Message message : rejected) {
        settling.reject(message);
      }
      if (rejected.stream().anyMatch(settling::isLast)) {
        throw new AmqpRejectAndDontRequeueException(
            "A message cannot be consumed, and is left to the dead-letter exchange of its queue",
            cause);
      }
    }

    /** What came as one delivery is acknowledged as one, if all of it is done. */
    private void acknowledgeDone() throws IOException {
      Set<Long> notDone =
          messages.stream()
              .filter(message -> !done.contains(message))
              .map(InboxAdvice::tagOf)
              .collect(Collectors.toSet());
      for (Message message : done) {
        if (!notDone.contains(tagOf(message))) {
          settling.acknowledge(message);
        }
      }
    }

    /** Waits for the delay, give or take half of it; false if somebody wants to stop meanwhile. */
    private boolean pause() {
      long most = Math.max(delay.toNanos(), LEAST_DELAY_NANOS);
      long end = System.nanoTime() + most / 2 + ThreadLocalRandom.current().nextLong(most);
      try {
        for (long left = most; left > 0; left = end - System.nanoTime()) {
          if (!settling.channel.isOpen()) {
            throw new ImmediateRequeueAmqpException(
                "The channel has closed while a message is being consumed elsewhere");
          } else if (!running.getAsBoolean()) {
            return false;
          }
          TimeUnit.NANOSECONDS.sleep(Math.min(left, NAP_NANOS));
        }
        return true;
      } catch (InterruptedException e) {
        interrupted = true; // told again at the end: a copy could not be confirmed before
        return false;
      }
    }
  }

  /** What came last on this thread: what retries around the inbox brings it again. */
  private Settling settlingOf(Channel channel, List<Message> messages) {
    Settling before = settlings.get();
    if (before != null && before.isOf(channel, messages)) {
      return before;
    }
    Settling settling = new Settling(channel, messages);
    settlings.set(settling);
    return settling;
  }

  /**
   * Tells the broker what has become of the deliveries of a batch, each one once: a second word
   * about a delivery closes the channel. The last one is the container's to settle.
   */
  private static final class Settling {

    private final Channel channel;
    private final long first;
    private final long last;
    private final Set<Long> settled = new HashSet<>();
    private final Set<Message> told = Collections.newSetFromMap(new IdentityHashMap<>());

    Settling(Channel channel, List<Message> messages) {
      this.channel = channel;
      this.first = tagOf(messages.get(0));
      this.last = tagOf(messages.get(messages.size() - 1));
    }

    /** A channel gives no two deliveries one tag. */
    boolean isOf(Channel other, List<Message> messages) {
      return channel == other
          && first == tagOf(messages.get(0))
          && last == tagOf(messages.get(messages.size() - 1));
    }

    boolean isOpen(Message message) {
      return !settled.contains(tagOf(message));
    }

    /** Whether it has not been said yet that it is parked: the last one is tried again. */
    boolean isToldFirst(Message message) {
      return told.add(message);
    }

    boolean isLast(Message message) {
      return tagOf(message) == last;
    }

    void acknowledge(Message message) throws IOException {
      if (!isLast(message) && settled.add(tagOf(message))) {
        channel.basicAck(tagOf(message), false);
      }
    }

    void reject(Message message) throws IOException {
      if (!isLast(message) && settled.add(tagOf(message))) {
        channel.basicReject(tagOf(message), false);
      }
    }
  }

  private static long tagOf(Message message) {
    return message.getMessageProperties().getDeliveryTag();
  }

  private static String queueOf(Message message) {
    String queue = message.getMessageProperties().getConsumerQueue();
    return queue == null ? "" : queue;
  }
}
