package io.idem.kafka;

import io.idem.core.Mode;
import io.idem.core.store.LogPositions;
import io.idem.core.store.StoreUnavailableException;
import io.idem.messaging.BatchOutcome;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.FailureLimit;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageFailedException;
import io.idem.messaging.MessageHandler;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.InvalidOffsetException;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.apache.kafka.common.errors.WakeupException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Consumes what a Kafka consumer polls, with its offsets in the database of the effects: each place
 * of a topic has its effect once.
 *
 * <pre>{@code
 * LogPositions positions = new JdbcLogPositions(dataSource); // idem-jdbc
 * consumer.subscribe(List.of("payments"));
 * PositionedConsumer<String, byte[]> payments =
 *     new PositionedConsumer<>(consumer, admin, positions, deadLetters);
 * while (running) {
 *   payments.pollEach(
 *       Duration.ofSeconds(1), (record, tx) -> book(record.value(), tx.unwrap(Connection.class)));
 * }
 * }</pre>
 *
 * <ol>
 *   <li>What was polled of a partition is one transaction: its effects, and one statement that
 *       moves the position of group, topic and partition from where this consumer began to behind
 *       the last record.
 *   <li>If the position is elsewhere by then, somebody else reads the partition, and this consumer
 *       does not know it yet. Everything is rolled back, and the partition is read where the
 *       database says, if it is still this consumer's.
 *   <li>A partition that is new here is read from where the database says, whatever Kafka has
 *       committed. If the database says nothing, from where Kafka would read it, which is noted
 *       before the first record.
 *   <li>Kafka is told the offsets as well, for those who watch it. Nothing relies on that.
 *   <li>If a handler fails, what stood before the failed record is done once more without it, and
 *       the record is read again after a pause. When it has failed as often as allowed, it is
 *       parked, in one transaction with the position behind it.
 * </ol>
 *
 * <p>What cannot go on safely is refused by {@link UnsafePositionException}: a topic that was
 * deleted and made anew, and records that are gone before they were consumed. Gaps that a
 * compaction or transactions leave are none of these.
 *
 * <p>That is exactly once relative to the topic. A producer that sends a message twice puts it in
 * two places: {@link #pollEach(Duration, Inbox, MessageHandler)} has an inbox in the same
 * transaction. Not thread-safe, like the consumer, which stays the caller's to subscribe, or
 * assign, and to close.
 *
 * @param <K> the type of the records' keys
 * @param <V> the type of their values
 */
public final class PositionedConsumer<K, V> {

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final Consumer<K, V> consumer;
  private final KnownPositions known;
  private final PausedPartitions paused;
  private final PositionedTurns<K, V> turns;

  /**
   * Consumes one record.
   *
   * @param <K> the type of the records' keys
   * @param <V> the type of their values
   * @param <X> what it throws
   */
  @FunctionalInterface
  public interface RecordHandler<K, V, X extends Exception> {

    /**
     * Consumes a record.
     *
     * @param record the record
     * @param transaction the transaction of its effects: {@code unwrap(Connection.class)}
     * @throws X a failure; everything is rolled back
     */
    void handle(ConsumerRecord<K, V> record, LogPositions.Scope transaction) throws X;
  }

  /**
   * Consumes many records of one partition at once.
   *
   * @param <K> the type of the records' keys
   * @param <V> the type of their values
   * @param <X> what it throws
   */
  @FunctionalInterface
  public interface RecordsHandler<K, V, X extends Exception> {

    /**
     * Consumes records of one partition.
     *
     * @param records the records, in their order; at least one
     * @param transaction the transaction of their effects: {@code unwrap(Connection.class)}
     * @throws X a failure; everything is rolled back. A {@link MessageFailedException} tells by the
     *     place in the list which record has failed; otherwise they are done one at a time
     */
    void handle(List<ConsumerRecord<K, V>> records, LogPositions.Scope transaction) throws X;
  }

  /**
   * Where records go that cannot be consumed.
   *
   * @param <K> the type of the records' keys
   * @param <V> the type of their values
   */
  @FunctionalInterface
  public interface Parking<K, V> {

    /**
     * Keeps a record for a person to look at. What is written in the transaction is committed with
     * the position behind the record. What is kept elsewhere is durable when this returns, and is
     * kept twice if the commit fails.
     *
     * @param record the record
     * @param why why it cannot be consumed
     * @param transaction the transaction that moves the position
     * @throws Exception if it could not be kept; the record is then read again
     */
    void park(ConsumerRecord<K, V> record, ParkedRecords.Why why, LogPositions.Scope transaction)
        throws Exception;
  }

  /**
   * Creates a consumer of a consumer, whose positions are those of its {@code group.id}.
   *
   * @param consumer subscribed or assigned by the caller
   * @param admin asked for the ids of topics; stays the caller's to close
   * @param positions in the database of the effects
   * @param parking where records go that cannot be consumed
   * @throws org.apache.kafka.common.errors.InvalidGroupIdException if the consumer has no group
   */
  public PositionedConsumer(
      Consumer<K, V> consumer, Admin admin, LogPositions positions, Parking<K, V> parking) {
    this(consumer, admin, positions, parking, consumer.groupMetadata().groupId());
  }

  /**
   * Creates a consumer of a consumer, whose positions have a name of their own: one that stays when
   * the group gets another.
   *
   * @param consumer subscribed or assigned by the caller
   * @param admin asked for the ids of topics; stays the caller's to close
   * @param positions in the database of the effects
   * @param parking where records go that cannot be consumed
   * @param reader whose positions they are; 1 to 255 characters
   * @throws IllegalArgumentException if the name is longer, or empty
   */
  public PositionedConsumer(
      Consumer<K, V> consumer,
      Admin admin,
      LogPositions positions,
      Parking<K, V> parking,
      String reader) {
    Objects.requireNonNull(admin, "admin");
    this.consumer = consumer;
    this.paused = new PausedPartitions(consumer);
    this.known = new KnownPositions(consumer, admin, positions, reader);
    this.turns = new PositionedTurns<>(consumer, positions, known, paused, parking);
    known.keyOf(new TopicPartition("any", 0)); // refuses a name that is none
  }

  /**
   * What happens when the handler fails.
   *
   * @param maxFailures how often it may for one record, on this consumer, before the record is
   *     parked; at least 1, 10 by default
   * @param delay how long to wait in between; 1 second by default
   * @return this
   * @throws IllegalArgumentException if one of them is less than it may be
   */
  public PositionedConsumer<K, V> onFailure(int maxFailures, Duration delay) {
    turns.onFailure(new FailureLimit(maxFailures, delay));
    return this;
  }

  /**
   * How often it is looked whether topics were deleted and made anew while they are read. After
   * such a look what was polled before it is known to be of the topic whose position it is.
   *
   * @param interval 1 second by default; zero looks after every poll, so that nothing of a new
   *     topic is ever consumed by the position of the old one
   * @return this
   */
  public PositionedConsumer<K, V> checkTopicsEvery(Duration interval) {
    known.checkEvery(interval);
    return this;
  }

  /**
   * Polls once and consumes what there is, one record after the other.
   *
   * @param timeout how long to wait for records
   * @param handler what must take effect once for each place in the topic
   * @param <X> what the handler throws; it is not thrown to the caller, but the record read again
   * @return how many records were polled
   * @throws UnsafePositionException if a partition cannot be read on from its position
   * @throws KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollEach(Duration timeout, RecordHandler<K, V, X> handler) {
    return poll(
        timeout,
        (records, scope) -> {
          for (int i = 0; i < records.size(); i++) {
            try {
              handler.handle(records.get(i), scope);
            } catch (StoreUnavailableException e) {
              throw e;
            } catch (Exception e) {
              throw new MessageFailedException(i, e);
            }
          }
        });
  }

  /**
   * Polls once and consumes what there is in one call of the handler for each partition.
   *
   * @param timeout how long to wait for records
   * @param handler what must take effect once for each place in the topic
   * @param <X> what the handler throws; it is not thrown to the caller, but the record read again
   * @return how many records were polled
   * @throws UnsafePositionException if a partition cannot be read on from its position
   * @throws KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollAll(Duration timeout, RecordsHandler<K, V, X> handler) {
    return poll(timeout, handler::handle);
  }

  /**
   * Polls once and consumes what there is and was not consumed before: in each partition, the
   * records of the inbox and the position are written in one transaction with the effects. So what
   * a producer has sent twice has one effect as well.
   *
   * @param timeout how long to wait for records
   * @param inbox an inbox whose store joins the transactions of the positions: with Spring those of
   *     its transaction manager, otherwise those of one {@code JdbcTransactions.nesting(…)}
   * @param handler what must take effect once for each message
   * @param <X> what the handler throws; it is not thrown to the caller, but the record read again
   * @return how many records were polled
   * @throws UnsafePositionException if a partition cannot be read on from its position
   * @throws IllegalStateException if the inbox is leased, or its transactions are others
   * @throws KafkaException if the consumer cannot go on
   */
  public <X extends Exception> int pollEach(
      Duration timeout,
      Inbox<ConsumerRecord<K, V>> inbox,
      MessageHandler<? super ConsumerRecord<K, V>, X> handler) {
    if (inbox.operation().mode() == Mode.LEASED) {
      throw new IllegalStateException(
          "A leased inbox is not committed with a position: use InboxConsumer");
    }
    return poll(timeout, (records, scope) -> throughInbox(records, inbox, handler));
  }

  private void throughInbox(
      List<ConsumerRecord<K, V>> records,
      Inbox<ConsumerRecord<K, V>> inbox,
      MessageHandler<? super ConsumerRecord<K, V>, ?> handler)
      throws Exception {
    List<ConsumerRecord<K, V>> failing = new ArrayList<>(1);
    BatchOutcome outcome;
    try {
      outcome =
          inbox.consumeEach(
              records,
              (record, attempt) -> {
                if (!attempt.isJoined()) {
                  throw new PositionedTurns.ApartException();
                }
                failing.add(record);
                handler.handle(record, attempt);
                failing.clear();
              });
    } catch (PositionedTurns.ApartException | StoreUnavailableException e) {
      throw e;
    } catch (Exception e) {
      throw failing.isEmpty() ? e : new MessageFailedException(records.indexOf(failing.get(0)), e);
    }
    for (int i = 0; i < records.size(); i++) {
      if (i >= outcome.decisions().size()) {
        BatchOutcome.Failure failure = Objects.requireNonNull(outcome.failure());
        if (failure.cause() instanceof PositionedTurns.ApartException apart) {
          throw apart;
        }
        throw new MessageFailedException(failure.index(), failure.cause());
      }
      DeliveryDecision decision = outcome.decisions().get(i);
      if (!decision.isDone()) {
        try {
          decision.orElseThrow();
        } catch (RuntimeException e) {
          throw new MessageFailedException(i, e);
        }
      }
    }
  }

  private int poll(Duration timeout, PositionedTurns.Body<K, V> body) {
    Duration most = paused.resumeDue(timeout);
    Set<TopicPartition> unknown = known.unknown();
    unknown.removeIf(paused::contains);
    asked(unknown, () -> known.learn(unknown));
    ConsumerRecords<K, V> polled;
    try {
      polled = consumer.poll(paused.resumeDue(most));
    } catch (InvalidOffsetException e) {
      // Without a reset of Kafka's own: the database may know where to begin.
      e.partitions().forEach(known::forget);
      asked(e.partitions(), () -> known.learn(known.unknown()));
      return 0;
    }
    List<TopicPartition> left = new ArrayList<>(polled.partitions());
    try {
      if (!left.isEmpty() && asked(left, known::checkTopics)) {
        while (!left.isEmpty()) {
          TopicPartition partition = left.get(0);
          take(partition, polled.records(partition), body);
          left.remove(0);
        }
      }
    } catch (RuntimeException | Error e) {
      try {
        end(left, polled);
      } catch (RuntimeException another) {
        e.addSuppressed(another); // such as of a consumer that is closed
      }
      throw e;
    }
    end(left, polled);
    return polled.count();
  }

  /** Goes back to what was not taken, and commits what was. */
  private void end(List<TopicPartition> left, ConsumerRecords<K, V> polled) {
    left.forEach(partition -> again(partition, polled.records(partition)));
    tell(turns.done());
  }

  private void take(
      TopicPartition partition,
      List<ConsumerRecord<K, V>> records,
      PositionedTurns.Body<K, V> body) {
    boolean[] goesOn = {false};
    asked(List.of(partition), () -> goesOn[0] = known.goesOn(partition, records));
    if (goesOn[0]) {
      turns.take(partition, records, body);
    } else {
      again(partition, records);
    }
  }

  /** Asks about partitions, which wait if there is no answer. */
  private boolean asked(Collection<TopicPartition> partitions, Runnable question) {
    try {
      question.run();
      return true;
    } catch (WakeupException | InterruptException | InvalidOffsetException e) {
      throw e;
    } catch (KafkaException | StoreUnavailableException e) {
      log.warn("{} wait, because it cannot be told where they are read", partitions, e);
      Set<TopicPartition> assigned = consumer.assignment();
      paused.pause(
          partitions.stream().filter(assigned::contains).toList(), turns.failureLimit().delay());
      return false;
    }
  }

  /**
   * Reads a partition again. Where, is learnt before; if the database knows nothing, where it was
   * read now.
   */
  private void again(TopicPartition partition, List<ConsumerRecord<K, V>> records) {
    known.forget(partition);
    if (consumer.assignment().contains(partition)) {
      consumer.seek(partition, records.get(0).offset());
    }
  }

  /** Tells Kafka, without waiting: who watches the group sees how far it has come. */
  private void tell(Map<TopicPartition, OffsetAndMetadata> offsets) {
    offsets.keySet().retainAll(consumer.assignment());
    if (!offsets.isEmpty()) {
      consumer.commitAsync(
          offsets,
          (told, failure) -> {
            if (failure != null) {
              log.info("Kafka was not told of offsets, which are in the database", failure);
            }
          });
    }
  }
}
