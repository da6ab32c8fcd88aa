package io.idem.rocketmq;

import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.ParkReason;
import org.apache.rocketmq.client.producer.MQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;

/** Where messages go that cannot be consumed, such as a topic for what is parked. */
@FunctionalInterface
public interface ParkedMessages {

  /** The property that says why a message is parked: the name of a {@link ParkReason}. */
  String REASON_PROPERTY = "idem_parked_reason";

  /** The property that says it in words, without anything of the message. */
  String DETAIL_PROPERTY = "idem_parked_detail";

  /** The property that names the topic from which a message was received. */
  String FROM_PROPERTY = "idem_parked_from";

  /**
   * Keeps a message for a person to look at. It is durable when this returns: the message is
   * acknowledged then. After a crash in between it may be parked twice.
   *
   * @param message the message
   * @param why why it cannot be consumed
   * @throws Exception if it could not be kept; the message is then delivered again
   */
  void park(MessageExt message, DeliveryDecision.Park why) throws Exception;

  /**
   * Sends messages to a topic, with what their producer gave them and the reason in {@value
   * #REASON_PROPERTY}, {@value #DETAIL_PROPERTY} and {@value #FROM_PROPERTY}, and waits for the
   * broker's confirmation. What was received from that topic itself is refused, and so handed back:
   * it would be consumed and parked again and again.
   *
   * @param producer a producer that was started
   * @param topic the topic, which the broker has, or creates by itself
   * @return what sends there
   */
  static ParkedMessages to(MQProducer producer, String topic) {
    return (message, why) -> {
      if (message.getTopic().equals(topic)) {
        throw new IllegalStateException(
            "A message of '"
                + topic
                + "' is not parked in the same topic, where it would be consumed again. Choose"
                + " another topic for what is parked: "
                + why.detail());
      }
      Message parked = Resending.copy(message, topic);
      parked.putUserProperty(REASON_PROPERTY, why.reason().name());
      parked.putUserProperty(DETAIL_PROPERTY, why.detail());
      parked.putUserProperty(FROM_PROPERTY, message.getTopic());
      SendResult result = producer.send(parked);
      if (result.getSendStatus() != SendStatus.SEND_OK) {
        throw new IllegalStateException(
            "The broker did not confirm a parked message: " + result.getSendStatus());
      }
    };
  }
}
