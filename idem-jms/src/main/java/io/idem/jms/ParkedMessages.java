package io.idem.jms;

import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.ParkReason;
import jakarta.jms.Destination;
import jakarta.jms.InvalidDestinationException;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageProducer;
import jakarta.jms.Session;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Where messages go that cannot be consumed, such as a dead-letter queue. */
@FunctionalInterface
public interface ParkedMessages {

  /** The property that says why a message is parked: a {@link ParkReason}, or a failed handler. */
  String REASON_PROPERTY = "idem_parked_reason";

  /** The property that says it in words, without anything of the message. */
  String DETAIL_PROPERTY = "idem_parked_detail";

  /** The property that names the destination from which a message was received. */
  String FROM_PROPERTY = "idem_parked_from";

  /** The value of {@link #REASON_PROPERTY} for a message whose handler failed too often. */
  String HANDLER_FAILED = "HANDLER_FAILED";

  /**
   * Keeps a message for a person to look at. In a transacted session it is sent and acknowledged in
   * one transaction; otherwise it is sent first, so that after a crash in between it may be parked
   * twice.
   *
   * @param session the session that received the message
   * @param message the message
   * @param why why it cannot be consumed
   * @throws JMSException if it could not be kept; the message is then delivered again
   */
  void park(Session session, Message message, Why why) throws JMSException;

  /**
   * Sends messages to a destination as they are, without an expiration, and with the reason in
   * {@value #REASON_PROPERTY}, {@value #DETAIL_PROPERTY} and {@value #FROM_PROPERTY}. The duplicate
   * id of Artemis is left away: the server would refuse the second message of one id. What was
   * received from that destination itself is refused, and so rolled back: it would be consumed and
   * parked again and again.
   *
   * @param destination the destination
   * @return what sends there
   */
  static ParkedMessages to(Destination destination) {
    return (session, message, why) -> {
      if (destination.equals(message.getJMSDestination())) {
        throw new InvalidDestinationException(
            "A message of "
                + destination
                + " is not parked in the same place, where it would be consumed again. Choose"
                + " another one for what is parked: "
                + why.detail());
      }
      Map<String, @Nullable Object> told = new HashMap<>();
      told.put(REASON_PROPERTY, why.reason() == null ? HANDLER_FAILED : why.reason().name());
      told.put(DETAIL_PROPERTY, why.detail());
      told.put(FROM_PROPERTY, String.valueOf(message.getJMSDestination()));
      told.put(InboxConsumer.FAILURES_PROPERTY, null); // whoever sends it again begins anew
      Resending.prepare(message, told);
      try (MessageProducer producer = session.createProducer(destination)) {
        producer.send(message, message.getJMSDeliveryMode(), message.getJMSPriority(), 0);
      }
    };
  }

  /**
   * Why a message is parked: what the inbox has found, or a handler that failed too often.
   *
   * @param reason what the inbox has found; null if the handler failed
   * @param detail why, in words, without anything of the message
   * @param cause what was thrown; null if nothing
   */
  record Why(@Nullable ParkReason reason, String detail, @Nullable Exception cause) {

    static Why of(DeliveryDecision.Park park) {
      return new Why(park.reason(), park.detail(), park.cause());
    }
  }
}
