package io.idem.kafka;

import io.idem.core.store.LogPositions;
import io.idem.core.store.LogPositions.Partition;
import io.idem.core.store.LogPositions.Position;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;

/**
 * Where the database says that a consumer goes on, for the partitions that it has, and whether that
 * can be believed. Not thread-safe.
 */
final class KnownPositions {

  private static final long ADMIN_SECONDS = 30;

  private final Consumer<?, ?> consumer;
  private final Admin admin;
  private final LogPositions positions;
  private final String reader;
  private final Map<TopicPartition, Position> known = new HashMap<>();
  private Duration checkEvery = Duration.ofSeconds(1);
  private long checkedNanos = System.nanoTime();

  KnownPositions(Consumer<?, ?> consumer, Admin admin, LogPositions positions, String reader) {
    this.consumer = consumer;
    this.admin = admin;
    this.positions = positions;
    this.reader = reader;
  }

  void checkEvery(Duration interval) {
    this.checkEvery = interval;
  }

  Partition keyOf(TopicPartition partition) {
    return new Partition(reader, partition.topic(), partition.partition());
  }

  @Nullable Position get(TopicPartition partition) {
    return known.get(partition);
  }

  /** What has been committed. */
  void advanced(TopicPartition partition, Position position) {
    known.put(partition, position);
  }

  /** Asks the database again before the partition is read on. */
  void forget(TopicPartition partition) {
    known.remove(partition);
  }

  /** Those of the consumer's partitions of which nothing is known. */
  Set<TopicPartition> unknown() {
    Set<TopicPartition> assigned = consumer.assignment();
    known.keySet().retainAll(assigned);
    return assigned.stream()
        .filter(partition -> !known.containsKey(partition))
        .collect(Collectors.toSet());
  }

  /**
   * Goes to where the database says that partitions are read on. Of which it says nothing are read
   * from where Kafka has them, which is then noted.
   *
   * @throws UnsafePositionException if one cannot be read on there
   * @throws KafkaException if Kafka does not say where its topics begin and end
   */
  void learn(Set<TopicPartition> partitions) {
    if (partitions.isEmpty()) {
      return;
    }
    Map<String, String> ids = incarnations(partitions);
    Map<Partition, Position> read =
        positions.read(partitions.stream().map(this::keyOf).collect(Collectors.toSet()));
    Map<TopicPartition, Position> learnt = new HashMap<>();
    for (TopicPartition partition : partitions) {
      String id = ids.getOrDefault(partition.topic(), "");
      Position there = read.get(keyOf(partition));
      if (there == null) {
        there = positions.begin(keyOf(partition), new Position(id, consumer.position(partition)));
      }
      requireSame(partition, there, id);
      learnt.put(partition, there);
    }
    requireReadable(learnt);
    learnt.forEach(
        (partition, position) -> {
          consumer.seek(partition, position.next());
          known.put(partition, position);
        });
  }

  /** The topics of this name may have been deleted and made anew since they were looked at. */
  void checkTopics() {
    if (known.isEmpty() || System.nanoTime() - checkedNanos < checkEvery.toNanos()) {
      return;
    }
    Map<String, String> ids = incarnations(known.keySet());
    known.forEach(
        (partition, position) ->
            requireSame(partition, position, ids.getOrDefault(partition.topic(), "")));
    checkedNanos = System.nanoTime();
  }

  /**
   * Whether what was polled of a partition goes on where it should. It need not begin there: what a
   * compaction has removed, and the markers of transactions, leave gaps.
   */
  boolean goesOn(TopicPartition partition, List<? extends ConsumerRecord<?, ?>> records) {
    Position position = known.get(partition);
    if (position == null) {
      return false;
    }
    long first = records.get(0).offset();
    return first == position.next()
        || (first > position.next() && beginning(partition) <= position.next());
  }

  private long beginning(TopicPartition partition) {
    return consumer.beginningOffsets(List.of(partition)).getOrDefault(partition, 0L);
  }

  private static void requireSame(TopicPartition partition, Position position, String id) {
    if (!position.incarnation().equals(id)) {
      throw new UnsafePositionException(
          partition,
          "its topic was deleted and made anew since position "
              + position.next()
              + " was written (topic id "
              + position.incarnation()
              + ", now "
              + id
              + "), so that its offsets count from 0 again",
          "If nothing of the old topic is missing, delete its rows in the table of positions: the"
              + " new one is then read from where Kafka's own rules say.");
    }
  }

  private void requireReadable(Map<TopicPartition, Position> learnt) {
    Map<TopicPartition, Long> first = consumer.beginningOffsets(learnt.keySet());
    Map<TopicPartition, Long> end = consumer.endOffsets(learnt.keySet());
    learnt.forEach(
        (partition, position) -> {
          if (first.getOrDefault(partition, 0L) > position.next()) {
            throw new UnsafePositionException(
                partition,
                "the records from "
                    + position.next()
                    + " up to "
                    + first.get(partition)
                    + " were deleted before they were consumed",
                "If they may be left out, set next_offset to where the partition begins.");
          }
          if (end.getOrDefault(partition, Long.MAX_VALUE) < position.next()) {
            throw new UnsafePositionException(
                partition,
                "it ends at "
                    + end.get(partition)
                    + ", before position "
                    + position.next()
                    + ": the broker has lost its end",
                "What is sent now gets offsets that were consumed before: set next_offset to the end"
                    + " that there is, after a look at what is missing.");
          }
        });
  }

  /** The ids of topics, which no two topics of one name share. */
  private Map<String, String> incarnations(Collection<TopicPartition> partitions) {
    Set<String> topics = partitions.stream().map(TopicPartition::topic).collect(Collectors.toSet());
    try {
      Map<String, TopicDescription> found =
          admin.describeTopics(topics).allTopicNames().get(ADMIN_SECONDS, TimeUnit.SECONDS);
      return found.entrySet().stream()
          .collect(
              Collectors.toMap(Map.Entry::getKey, each -> each.getValue().topicId().toString()));
    } catch (InterruptedException e) {
      throw new InterruptException(e);
    } catch (ExecutionException | TimeoutException e) {
      throw new KafkaException("The ids of topics could not be asked for", e);
    }
  }
}
