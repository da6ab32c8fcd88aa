package io.idem.spring.jms;

import io.idem.jms.ParkedMessages;
import io.idem.messaging.DeliveryParkedException;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Session;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a listener's messages are treated that cannot be consumed now, or never.
 *
 * <p>Without a place to park, a message that can never be consumed is rolled back with a {@link
 * DeliveryParkedException}, until the server has delivered it as often as it does and puts it among
 * its dead letters: JMS has no way to reject a message at once.
 *
 * @param waitForBusy how long a message that is being consumed elsewhere is waited for, on the
 *     thread of its consumer, before it is sent to the queue again; not negative
 * @param parked keeps what can never be consumed; null to leave it to the server
 * @param againTo the name of the queue to which busy messages are sent again; null for the queue
 *     that is consumed
 */
public record InboxSettings(
    Duration waitForBusy, @Nullable ParkedMessages parked, @Nullable String againTo) {

  /** Sends to a queue, whose name can be checked before the first message. */
  record ToQueue(String queue) implements ParkedMessages {
    @Override
    public void park(Session session, Message message, Why why) throws JMSException {
      ParkedMessages.to(session.createQueue(queue)).park(session, message, why);
    }
  }

  /**
   * Creates settings.
   *
   * @param waitForBusy how long a busy message is waited for; not negative
   * @param parked keeps what can never be consumed; null to leave it to the server
   * @param againTo the queue to which busy messages are sent again; null for the one consumed
   * @throws IllegalArgumentException if the time is negative
   */
  public InboxSettings {
    if (waitForBusy.isNegative()) {
      throw new IllegalArgumentException("A wait is not negative, found " + waitForBusy);
    }
  }

  /**
   * Waits for 5 seconds, parks nothing, and sends to the queue that is consumed.
   *
   * @return the settings to begin with
   */
  public static InboxSettings defaults() {
    return new InboxSettings(Duration.ofSeconds(5), null, null);
  }

  /**
   * Settings with another wait.
   *
   * @param time how long a busy message is waited for, during which its consumer does nothing else;
   *     not negative
   * @return new settings
   */
  public InboxSettings waitForBusy(Duration time) {
    return new InboxSettings(time, parked, againTo);
  }

  /**
   * Settings that send what can never be consumed to a queue, as {@link ParkedMessages#to} does.
   *
   * @param queue the name of the queue, which is not the listener's own: that is refused when the
   *     application starts
   * @return new settings
   */
  public InboxSettings parkTo(String queue) {
    return parkWith(new ToQueue(queue));
  }

  /**
   * Settings that keep what can never be consumed elsewhere.
   *
   * @param parking keeps it
   * @return new settings
   */
  public InboxSettings parkWith(ParkedMessages parking) {
    return new InboxSettings(waitForBusy, parking, againTo);
  }

  /**
   * Settings of a topic's listener, whose busy messages must not reach the other subscribers again.
   *
   * @param queue the name of a queue that the listener's subscription is fed from: on Artemis
   *     {@code address::queue}
   * @return new settings
   */
  public InboxSettings sendAgainTo(String queue) {
    return new InboxSettings(waitForBusy, parked, queue);
  }
}
