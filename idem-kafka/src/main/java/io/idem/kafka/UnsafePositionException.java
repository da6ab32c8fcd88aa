package io.idem.kafka;

import org.apache.kafka.common.TopicPartition;

/**
 * A partition cannot be read on from the position that the database has of it without leaving
 * records out, or consuming others under numbers that mean something else by now. Nothing ran. It
 * is thrown again until somebody has looked, and changed or deleted the row of the position.
 */
public final class UnsafePositionException extends IllegalStateException {

  private static final long serialVersionUID = 1L;

  private final String topic;
  private final int partition;

  UnsafePositionException(TopicPartition partition, String problem, String fix) {
    super("The partition " + partition + " is not read: " + problem + ". " + fix);
    this.topic = partition.topic();
    this.partition = partition.partition();
  }

  /**
   * Which partition.
   *
   * @return topic and number
   */
  public TopicPartition partition() {
    return new TopicPartition(topic, partition);
  }
}
