package io.idem.spring.kafka;

import io.idem.core.Mode;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.BatchHandler;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryBusyException;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageFailedException;
import io.idem.spring.ListenerCall;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.aopalliance.intercept.MethodInterceptor;
import org.aopalliance.intercept.MethodInvocation;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.common.TopicPartition;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.aop.ProxyMethodInvocation;
import org.springframework.kafka.listener.BatchListenerFailedException;
import org.springframework.kafka.listener.DelegatingMessageListener;
import org.springframework.kafka.listener.ListenerExecutionFailedException;
import org.springframework.kafka.listener.adapter.AbstractFilteringMessageListener;

/**
 * Puts the inbox around a listener: advice for {@link
 * org.springframework.kafka.listener.ContainerProperties#setAdviceChain}, together with an {@link
 * InboxErrorHandler} on the container.
 *
 * <p>A record listener runs for what is fresh and is not called for what was consumed before. A
 * batch listener is called with the fresh records alone. What is not done is thrown: {@link
 * io.idem.messaging.DeliveryBusyException}, {@link io.idem.messaging.DeliveryParkedException} or
 * what the listener threw, in a batch inside of a {@link BatchListenerFailedException} with the
 * place of the first record that is not done, which is 0 if all have failed together; every record
 * before it is.
 *
 * <p>A batch listener may throw a {@link BatchListenerFailedException} itself. What it says counts
 * as a {@link MessageFailedException} does, with its cause as the failure, or itself if it has
 * none. Where it says nothing of use, the outcome of all records is unknown in leased mode.
 * Thread-safe.
 */
public final class InboxAdvice implements MethodInterceptor {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  /** Given by hand. */
  private record OneInbox(Inbox<ConsumerRecord<?, ?>> get)
      implements Supplier<Inbox<ConsumerRecord<?, ?>>> {}

  private final Supplier<Inbox<ConsumerRecord<?, ?>>> inbox;
  private final BooleanSupplier listenerMayRollBack;

  /**
   * Creates advice. If a leased batch listener throws a {@link BatchListenerFailedException}, the
   * records before the place that it names are taken for done, so it must not do them in a
   * transaction of its own that is rolled back then.
   *
   * @param inbox the inbox, such as {@link KafkaMessages#inbox} begins it
   */
  public InboxAdvice(Inbox<ConsumerRecord<?, ?>> inbox) {
    this(new OneInbox(inbox), () -> false);
  }

  InboxAdvice(Supplier<Inbox<ConsumerRecord<?, ?>>> inbox, BooleanSupplier listenerMayRollBack) {
    this.inbox = inbox;
    this.listenerMayRollBack = listenerMayRollBack;
  }

  /** The mode of an inbox that was given by hand; null of a listener's, which is not known yet. */
  @Nullable Mode mode() {
    return inbox instanceof OneInbox given ? given.get().operation().mode() : null;
  }

  @Override
  public @Nullable Object invoke(MethodInvocation invocation) throws Throwable {
    if (invocation.getMethod().getName().equals("onMessage")
        && invocation instanceof ProxyMethodInvocation proxied) {
      Object received = invocation.getArguments()[0];
      if (received instanceof ConsumerRecord<?, ?> record) {
        one(proxied, record);
        return null;
      } else if (received instanceof ConsumerRecords<?, ?> records) {
        List<ConsumerRecord<?, ?>> list = new ArrayList<>(records.count());
        records.forEach(list::add);
        many(proxied, list, true);
        return null;
      } else if (received instanceof List<?> records) {
        many(
            proxied,
            records.stream().<ConsumerRecord<?, ?>>map(ConsumerRecord.class::cast).toList(),
            false);
        return null;
      }
    }
    return invocation.proceed();
  }

  private static ListenerCall callOf(ProxyMethodInvocation invocation) {
    return ListenerCall.of(invocation, 0, ListenerExecutionFailedException.class);
  }

  private void one(ProxyMethodInvocation invocation, ConsumerRecord<?, ?> record) throws Exception {
    ListenerCall call = callOf(invocation);
    DeliveryDecision decision;
    try {
      decision = inbox.get().consume(record, (fresh, attempt) -> call.proceed(fresh, attempt));
    } catch (Exception e) {
      throw call.asThrown(e);
    }
    ParkedLog.tell(decision, record, inbox.get());
    decision.orElseThrow();
  }

  private void many(
      ProxyMethodInvocation invocation, List<ConsumerRecord<?, ?>> records, boolean polled)
      throws Exception {
    if (records.isEmpty()) {
      return;
    }
    ListenerCall call = callOf(invocation);
    boolean filtered = isFiltered(invocation.getThis());
    BatchOutcome outcome;
    try {
      outcome =
          inbox
              .get()
              .consumeAll(
                  records,
                  fresh -> {
                    List<ConsumerRecord<?, ?>> given = new ArrayList<>(); // filters remove some
                    fresh.forEach(each -> given.add(each.message()));
                    call.proceed(
                        polled ? polled(given) : given,
                        fresh.get(0).attempt(),
                        (failure, isListeners) -> told(failure, fresh, filtered));
                  });
    } catch (Exception e) {
      // Without a place, the error handler would try the batch again by itself, and give up all of
      // it, what is done or busy by then included.
      throw new RecordFailed(call.asThrown(e), 0);
    }
    if (outcome.firstNotDone().isPresent()) {
      int index = outcome.firstNotDone().getAsInt();
      BatchOutcome.Failure failure = outcome.failure();
      if (failure != null && failure.index() > index) {
        log.warn(
            "The listener failed for a record behind one that is not done, which is told first",
            failure.cause());
      }
      if (index < outcome.decisions().size()) {
        ParkedLog.tell(outcome.decisions().get(index), records.get(index), inbox.get());
      }
      throw notDone(outcome, index);
    }
  }

  private static BatchListenerFailedException notDone(BatchOutcome outcome, int index) {
    BatchOutcome.Failure failure = outcome.failure();
    if (failure != null && failure.index() == index) {
      return new RecordFailed(failure.cause(), index);
    }
    try {
      outcome.decisions().get(index).orElseThrow();
    } catch (DeliveryBusyException e) {
      return new RecordBusy(e, index);
    } catch (DeliveryParkedException e) {
      return new RecordParked(e, index);
    }
    throw new IllegalStateException("Record " + index + " of a batch is done");
  }

  /** Whether what is said to be done may have been rolled back, with no record to go with it. */
  private boolean isPlaceOfNoUse(List<BatchHandler.Fresh<ConsumerRecord<?, ?>>> fresh) {
    return fresh.get(0).attempt().mode() == Mode.LEASED && listenerMayRollBack.getAsBoolean();
  }

  /** Whether the listener is given fewer records than its adapter: its indexes are other ones. */
  private static boolean isFiltered(@Nullable Object listener) {
    Object called = listener;
    while (called instanceof DelegatingMessageListener<?> around) {
      if (called instanceof AbstractFilteringMessageListener<?, ?, ?>) {
        return true;
      }
      called = around.getDelegate();
    }
    return false;
  }

  /**
   * What the listener says of the place of a failed record is about the list that it was given. A
   * place that cannot be told says one thing all the same: some records may be done.
   */
  private @Nullable MessageFailedException told(
      Exception thrown, List<BatchHandler.Fresh<ConsumerRecord<?, ?>>> fresh, boolean filtered) {
    boolean isPlace = false;
    for (Throwable at = thrown; at != null; at = at.getCause()) {
      if (at instanceof BatchListenerFailedException failed) {
        isPlace = true;
        if (isPlaceOfNoUse(fresh)) {
          break;
        }
        Exception cause = failed.getCause() instanceof Exception reason ? reason : failed;
        ConsumerRecord<?, ?> record = failed.getRecord();
        if (record == null
            && !filtered
            && failed.getIndex() >= 0
            && failed.getIndex() < fresh.size()) {
          return new MessageFailedException(fresh.get(failed.getIndex()), cause);
        }
        for (BatchHandler.Fresh<ConsumerRecord<?, ?>> each : fresh) {
          if (record != null && isSame(each.message(), record)) {
            return new MessageFailedException(each, cause);
          }
        }
      }
    }
    return isPlace ? MessageFailedException.somewhere(thrown) : null;
  }

  private static boolean isSame(ConsumerRecord<?, ?> one, ConsumerRecord<?, ?> other) {
    return one.offset() == other.offset()
        && KafkaMessages.partitionOf(one).equals(KafkaMessages.partitionOf(other));
  }

  private static ConsumerRecords<Object, Object> polled(List<ConsumerRecord<?, ?>> records) {
    Map<TopicPartition, List<ConsumerRecord<Object, Object>>> byPartition = new LinkedHashMap<>();
    for (ConsumerRecord<?, ?> record : records) {
      byPartition
          .computeIfAbsent(KafkaMessages.partitionOf(record), partition -> new ArrayList<>())
          .add(uncheckedCast(record));
    }
    return new ConsumerRecords<>(byPartition, Map.of());
  }

  @SuppressWarnings("unchecked") // the listener takes records of the types that the container reads
  private static ConsumerRecord<Object, Object> uncheckedCast(ConsumerRecord<?, ?> record) {
    return (ConsumerRecord<Object, Object>) record;
  }

  // Classes of their own, so that an error handler which starts to count again when the class of a
  // failure changes does not take one for the other.

  /** The listener failed for a record of a batch. */
  private static final class RecordFailed extends BatchListenerFailedException {

    private static final long serialVersionUID = 1L;

    RecordFailed(Exception cause, int index) {
      super("The listener failed for a record of a batch", cause, index);
    }
  }

  /** A record of a batch is consumed elsewhere. */
  private static final class RecordBusy extends BatchListenerFailedException {

    private static final long serialVersionUID = 1L;

    RecordBusy(Exception cause, int index) {
      super("A record of a batch is being consumed elsewhere", cause, index);
    }
  }

  /** A record of a batch can never be consumed. */
  private static final class RecordParked extends BatchListenerFailedException {

    private static final long serialVersionUID = 1L;

    RecordParked(Exception cause, int index) {
      super("A record of a batch cannot be consumed: " + cause.getMessage(), cause, index);
    }
  }
}
