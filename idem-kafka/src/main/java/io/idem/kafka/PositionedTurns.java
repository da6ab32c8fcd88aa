package io.idem.kafka;

import io.idem.core.store.LogPositions;
import io.idem.core.store.LogPositions.Position;
import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.DeliveryBusyException;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.FailureLimit;
import io.idem.messaging.MessageFailedException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of what was polled of one partition, each transaction of which moves the position.
 *
 * <ol>
 *   <li>All records go in one transaction.
 *   <li>If one fails, what stands before it goes once more. If nobody knows which one has failed,
 *       they go one at a time.
 *   <li>From the first one that is not done the partition is read again. Where that is, is always
 *       the position: what is before it is done, and a place further on would leave records out.
 * </ol>
 *
 * <p>Not thread-safe.
 */
final class PositionedTurns<K, V> {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final Consumer<K, V> consumer;
  private final LogPositions positions;
  private final KnownPositions known;
  private final PausedPartitions paused;
  private final PositionedConsumer.Parking<K, V> parking;
  private final Map<TopicPartition, Failures> failures = new HashMap<>();
  private Map<TopicPartition, OffsetAndMetadata> done = new HashMap<>();
  private FailureLimit failureLimit = FailureLimit.DEFAULT;

  /** How often the handler failed for the record at an offset. */
  private record Failures(long offset, int count) {}

  /** How the records of a partition are consumed in a transaction. */
  @FunctionalInterface
  interface Body<K, V> {
    void consume(List<ConsumerRecord<K, V>> records, LogPositions.Scope scope) throws Exception;
  }

  PositionedTurns(
      Consumer<K, V> consumer,
      LogPositions positions,
      KnownPositions known,
      PausedPartitions paused,
      PositionedConsumer.Parking<K, V> parking) {
    this.consumer = consumer;
    this.positions = positions;
    this.known = known;
    this.paused = paused;
    this.parking = parking;
  }

  void onFailure(FailureLimit limit) {
    this.failureLimit = limit;
  }

  FailureLimit failureLimit() {
    return failureLimit;
  }

  /** What has been committed since this was asked last. */
  Map<TopicPartition, OffsetAndMetadata> done() {
    Map<TopicPartition, OffsetAndMetadata> committed = done;
    done = new HashMap<>();
    return committed;
  }

  void take(TopicPartition partition, List<ConsumerRecord<K, V>> records, Body<K, V> body) {
    Trouble<K, V> trouble = together(partition, records, body);
    if (trouble != null && trouble.index() > 0) {
      List<ConsumerRecord<K, V>> before = records.subList(0, trouble.index());
      Trouble<K, V> earlier = together(partition, before, body);
      if (earlier != null && earlier.index() < 0) {
        earlier = oneByOne(partition, before, body); // refused at the commit, say
      } else if (earlier != null && earlier.index() > 0) {
        readOn(partition, failureLimit.delay()); // another one each time: nothing is certain
        return;
      }
      trouble = earlier == null ? trouble : earlier;
    } else if (trouble != null && trouble.index() < 0) {
      trouble = oneByOne(partition, records, body);
    }
    if (trouble != null) {
      stop(partition, trouble);
    }
  }

  /**
   * A transaction for each, up to the first that fails; what that has met, or null if none does.
   */
  private @Nullable Trouble<K, V> oneByOne(
      TopicPartition partition, List<ConsumerRecord<K, V>> records, Body<K, V> body) {
    Trouble<K, V> trouble = null;
    for (int i = 0; i < records.size() && trouble == null; i++) {
      trouble = together(partition, records.subList(i, i + 1), body);
    }
    return trouble;
  }

  /** One transaction for all; what it has met, or null if they are done. */
  private @Nullable Trouble<K, V> together(
      TopicPartition partition, List<ConsumerRecord<K, V>> records, Body<K, V> body) {
    try {
      return moved(
              partition,
              records.get(records.size() - 1),
              scope -> body.consume(records, scope),
              Step.NONE)
          ? null
          : new Trouble<>(0, records.get(0), null);
    } catch (ApartException | WakeupException | InterruptException e) {
      throw e;
    } catch (StoreUnavailableException e) {
      return new Trouble<>(0, records.get(0), e);
    } catch (MessageFailedException e) {
      return e.index() >= 0 && e.index() < records.size()
          ? new Trouble<>(e.index(), records.get(e.index()), e.failure())
          : unknown(records, e.failure());
    } catch (Exception e) {
      return unknown(records, e);
    }
  }

  private Trouble<K, V> unknown(List<ConsumerRecord<K, V>> records, Exception e) {
    return new Trouble<>(records.size() == 1 ? 0 : -1, records.get(0), e);
  }

  /** A transaction that moves the position behind a record; false if it is somebody else's. */
  private boolean moved(
      TopicPartition partition, ConsumerRecord<K, V> last, Step before, Step after)
      throws Exception {
    Position from = known.get(partition);
    if (from == null) {
      return false;
    }
    long next = last.offset() + 1;
    boolean ours =
        positions.<Boolean, Exception>inTransaction(
            scope -> {
              before.take(scope);
              if (!scope.advance(known.keyOf(partition), from, next)) {
                return false;
              }
              after.take(scope);
              return true;
            });
    if (ours) {
      known.advanced(partition, new Position(from.incarnation(), next));
      done.put(partition, new OffsetAndMetadata(next, last.leaderEpoch(), ""));
    }
    return ours;
  }

  /** Reads on at the first record that is not done, or behind it if it is parked. */
  private void stop(TopicPartition partition, Trouble<K, V> trouble) {
    Exception cause = trouble.cause();
    if (cause == null) {
      lost(partition);
    } else if (cause instanceof StoreUnavailableException) {
      log.warn("{} is read again, because the store cannot answer", partition, cause);
      known.forget(partition); // a commit may have taken effect all the same
      readOn(partition, failureLimit.delay());
    } else if (cause instanceof DeliveryBusyException busy) {
      readOn(partition, busy.delay());
    } else if (cause instanceof DeliveryParkedException refused) {
      park(
          partition,
          trouble.record(),
          new ParkedRecords.Why(
              refused.reason(),
              Objects.requireNonNullElse(refused.getMessage(), refused.reason().name()),
              refused.getCause() instanceof Exception reason ? reason : null));
    } else {
      failed(partition, trouble.record(), cause);
    }
  }

  private void lost(TopicPartition partition) {
    log.info(
        "What was consumed of {} is rolled back: its position was moved by another consumer, or by"
            + " a commit whose answer was lost",
        partition);
    known.forget(partition);
  }

  private void failed(TopicPartition partition, ConsumerRecord<K, V> record, Exception cause) {
    Failures before = failures.get(partition);
    int count = before != null && before.offset == record.offset() ? before.count + 1 : 1;
    failures.put(partition, new Failures(record.offset(), count));
    if (count >= failureLimit.mostFailures()) {
      park(
          partition,
          record,
          new ParkedRecords.Why(null, "Its handler failed " + count + " times", cause));
      return;
    }
    log.warn(
        "The handler failed at offset {} of {}, for the {}. time of {}",
        record.offset(),
        partition,
        count,
        failureLimit.mostFailures(),
        cause);
    readOn(partition, failureLimit.delay());
  }

  /** The position is moved first: who has lost it parks nothing. */
  private void park(TopicPartition partition, ConsumerRecord<K, V> record, ParkedRecords.Why why) {
    try {
      if (!moved(partition, record, Step.NONE, scope -> parking.park(record, why, scope))) {
        lost(partition);
        return;
      }
      why.tell(log, record, known.keyOf(partition).reader());
      readOn(partition, Duration.ZERO);
    } catch (WakeupException | InterruptException e) {
      throw e;
    } catch (Exception e) {
      log.error(
          "What is at offset {} of {} could not be parked, and is read again ({})",
          record.offset(),
          partition,
          why.detail(),
          e);
      known.forget(partition);
      readOn(partition, failureLimit.delay());
    }
  }

  /** From the position; if that is not known, it is learnt before. */
  private void readOn(TopicPartition partition, Duration delay) {
    if (consumer.assignment().contains(partition)) {
      Position position = known.get(partition);
      if (position != null) {
        consumer.seek(partition, position.next());
      }
      paused.pause(Set.of(partition), delay);
    }
  }

  /** Part of a transaction. */
  @FunctionalInterface
  private interface Step {

    Step NONE = scope -> {};

    void take(LogPositions.Scope scope) throws Exception;
  }

  /**
   * What a transaction has met.
   *
   * @param index at which place; -1 if nobody knows
   * @param record what is at that place
   * @param cause why; null if the position was somewhere else
   */
  private record Trouble<K, V>(int index, ConsumerRecord<K, V> record, @Nullable Exception cause) {}

  /** The inbox commits by itself. */
  static final class ApartException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    ApartException() {
      super(
          "The inbox has transactions of its own, so that it would not be committed with the"
              + " position: give its store the transactions of the positions, such as one"
              + " JdbcTransactions.nesting(…) for both");
    }
  }
}
