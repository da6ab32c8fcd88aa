package io.idem.jms;

import jakarta.jms.JMSException;
import jakarta.jms.Message;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Makes a message that was received one that can be sent on. */
final class Resending {

  /** Where the duplicate id of Artemis is kept, which would refuse it a second time. */
  static final String FORMER_DUPLICATE_ID = "idem_duplicate_id";

  /** What the provider sets, and lets nobody set (Jakarta Messaging 3.1, section 3.5.9). */
  private static final Set<String> OF_THE_PROVIDER =
      Set.of(
          "JMSXDeliveryCount",
          "JMSXConsumerTXID",
          "JMSXProducerTXID",
          "JMSXRcvTimestamp",
          "JMSXState",
          "JMSXUserID",
          "JMSXAppID");

  private Resending() {}

  /**
   * Makes a received message one that the server takes, with more properties. Names that producers
   * of other protocols may give a property and JMS does not allow are kept where nothing has to be
   * changed, else written as {@link JmsMessages#propertyName} has them.
   */
  static void prepare(Message message, Map<String, @Nullable Object> more) throws JMSException {
    if (more.isEmpty() && !message.propertyExists(JmsMessages.ARTEMIS_DUPLICATE_ID)) {
      return;
    }
    Map<String, @Nullable Object> properties = new HashMap<>();
    Enumeration<?> names = message.getPropertyNames();
    while (names.hasMoreElements()) {
      String name = (String) names.nextElement();
      properties.put(name, message.getObjectProperty(name));
    }
    properties.keySet().removeAll(OF_THE_PROVIDER);
    Object duplicateId = properties.remove(JmsMessages.ARTEMIS_DUPLICATE_ID);
    if (duplicateId != null) {
      properties.put(FORMER_DUPLICATE_ID, duplicateId);
    }
    properties.putAll(more);
    message.clearProperties();
    for (Map.Entry<String, @Nullable Object> property : properties.entrySet()) {
      if (property.getValue() != null) {
        message.setObjectProperty(JmsMessages.propertyName(property.getKey()), property.getValue());
      }
    }
  }

  /**
   * How long a message has to live that is sent again, in milliseconds; 0 for ever. It expires when
   * it would have: the provider adds the time to the clock that it was taken from. What has expired
   * already lives for a moment, so that the server does with it what it does with such messages.
   */
  static long timeToLive(Message message, long now) throws JMSException {
    long expiration = message.getJMSExpiration();
    return expiration == 0 ? 0 : Math.max(1, expiration - now);
  }
}
