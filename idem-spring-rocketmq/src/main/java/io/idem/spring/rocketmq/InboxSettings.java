package io.idem.spring.rocketmq;

import io.idem.messaging.DeliveryParkedException;
import io.idem.rocketmq.ParkedMessages;
import java.time.Duration;
import org.apache.rocketmq.client.producer.MQProducer;
import org.jspecify.annotations.Nullable;

/**
 * How a listener's messages are treated that cannot be consumed now, or never.
 *
 * <p>Without a place to park, a message that can never be consumed is handed back with a {@link
 * DeliveryParkedException} in the log, until the broker has delivered it as often as it does and
 * puts it among the group's dead letters. An orderly listener would stop at it, and needs a place.
 *
 * @param waitForBusy how long a message that is being consumed elsewhere is waited for, on a thread
 *     of its consumer, before it is sent to the group's retry topic; not negative, and less than
 *     the listener's {@code consumeTimeout}
 * @param busyDelayLevel the broker's delay level of what is sent there, starting at 1
 * @param parking keeps what can never be consumed; null to leave it to the broker
 */
public record InboxSettings(Duration waitForBusy, int busyDelayLevel, @Nullable Parking parking) {

  /** Makes what keeps messages, with the producer of a listener's own client. */
  @FunctionalInterface
  public interface Parking {

    /**
     * Called when the listener is given its first message.
     *
     * @param producer a producer that is started and stopped with the consumer, and has its name
     *     servers, credentials and namespace
     * @return what keeps messages; thread-safe
     */
    ParkedMessages with(MQProducer producer);
  }

  /** Sends to a topic, whose name can be checked before the first message. */
  record ToTopic(String topic) implements Parking {
    @Override
    public ParkedMessages with(MQProducer producer) {
      return ParkedMessages.to(producer, topic);
    }
  }

  /**
   * Creates settings.
   *
   * @param waitForBusy how long a busy message is waited for; not negative
   * @param busyDelayLevel the delay level of a busy message that is sent again, starting at 1
   * @param parking keeps what can never be consumed; null to leave it to the broker
   * @throws IllegalArgumentException if a number is less than it may be
   */
  public InboxSettings {
    if (waitForBusy.isNegative() || busyDelayLevel < 1) {
      throw new IllegalArgumentException(
          "A wait is not negative, and delay levels start at 1, found "
              + waitForBusy
              + " and "
              + busyDelayLevel);
    }
  }

  /**
   * Waits for 5 seconds, sends again with delay level 3, which is 10 seconds unless the broker says
   * otherwise, and parks nothing.
   *
   * @return the settings to begin with
   */
  public static InboxSettings defaults() {
    return new InboxSettings(Duration.ofSeconds(5), 3, null);
  }

  /**
   * Settings with another wait.
   *
   * @param time how long a busy message is waited for, during which a thread of its consumer does
   *     nothing else; not negative
   * @param delayLevel the broker's delay level of what is sent again, starting at 1
   * @return new settings
   */
  public InboxSettings waitForBusy(Duration time, int delayLevel) {
    return new InboxSettings(time, delayLevel, parking);
  }

  /**
   * Settings that send what can never be consumed to a topic, as {@link ParkedMessages#to} does.
   *
   * @param topic the topic, which is there, and is not the listener's own: that is refused when the
   *     application starts
   * @return new settings
   */
  public InboxSettings parkTo(String topic) {
    return new InboxSettings(waitForBusy, busyDelayLevel, new ToTopic(topic));
  }

  /**
   * Settings that keep what can never be consumed elsewhere.
   *
   * @param parked keeps it; thread-safe
   * @return new settings
   */
  public InboxSettings parkWith(ParkedMessages parked) {
    return new InboxSettings(waitForBusy, busyDelayLevel, producer -> parked);
  }
}
