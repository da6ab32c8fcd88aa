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

  /** Lets the properties of a received message be changed, and adds some. */
  static void prepare(Message message, Map<String, @Nullable Object> more) throws JMSException {
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
        message.setObjectProperty(property.getKey(), property.getValue());
      }
    }
  }

  /** How long a message has to live from now, in milliseconds; 0 for ever. */
  static long timeToLive(Message message) throws JMSException {
    long expiration = message.getJMSExpiration();
    return expiration == 0 ? 0 : Math.max(1, expiration - System.currentTimeMillis());
  }
}
