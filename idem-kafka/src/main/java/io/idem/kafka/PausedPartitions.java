package io.idem.kafka;

import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.common.TopicPartition;

/** Partitions that wait, while polling goes on and the group is kept. Not thread-safe. */
final class PausedPartitions {

  private final Consumer<?, ?> consumer;
  private final Map<TopicPartition, Long> dueNanos = new HashMap<>();

  PausedPartitions(Consumer<?, ?> consumer) {
    this.consumer = consumer;
  }

  /** Lets partitions that are assigned wait. */
  void pause(Collection<TopicPartition> partitions, Duration delay) {
    if (!delay.isZero()) {
      long due = System.nanoTime() + delay.toNanos();
      consumer.pause(partitions);
      partitions.forEach(partition -> dueNanos.put(partition, due));
    }
  }

  boolean contains(TopicPartition partition) {
    return dueNanos.containsKey(partition);
  }

  /**
   * Ends the wait of those whose time has come.
   *
   * @return how long to poll at most: until the next is due
   */
  Duration resumeDue(Duration most) {
    dueNanos.keySet().retainAll(consumer.assignment());
    Duration least = most;
    for (Map.Entry<TopicPartition, Long> each : List.copyOf(dueNanos.entrySet())) {
      Duration left = Duration.ofNanos(each.getValue() - System.nanoTime());
      if (left.isZero() || left.isNegative()) {
        dueNanos.remove(each.getKey());
        consumer.resume(List.of(each.getKey()));
      } else if (left.compareTo(least) < 0) {
        least = left;
      }
    }
    return least;
  }
}
