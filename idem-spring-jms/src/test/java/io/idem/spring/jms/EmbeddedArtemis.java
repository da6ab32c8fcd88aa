package io.idem.spring.jms;

import org.apache.activemq.artemis.api.core.QueueConfiguration;
import org.apache.activemq.artemis.api.core.RoutingType;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;

/** A server in this process for all tests of a run, which delivers a message three times. */
final class EmbeddedArtemis {

  static final int MAX_DELIVERIES = 3;

  /** Where the server puts what it has given up on. */
  static final String DEAD = "dead";

  private static final EmbeddedActiveMQ SERVER = start();

  private EmbeddedArtemis() {}

  private static EmbeddedActiveMQ start() {
    AddressSettings settings =
        new AddressSettings()
            .setMaxDeliveryAttempts(MAX_DELIVERIES)
            .setRedeliveryDelay(0)
            .setDeadLetterAddress(SimpleString.of(DEAD));
    EmbeddedActiveMQ server = new EmbeddedActiveMQ();
    try {
      server.setConfiguration(
          new ConfigurationImpl()
              .setPersistenceEnabled(false)
              .setSecurityEnabled(false)
              .setJMXManagementEnabled(false)
              .addAcceptorConfiguration("vm", "vm://1")
              .addAddressSetting("#", settings));
      server.start();
      QueueConfiguration dead = QueueConfiguration.of(DEAD).setRoutingType(RoutingType.ANYCAST);
      server.getActiveMQServer().createQueue(dead);
    } catch (Exception e) {
      throw new IllegalStateException("The embedded server did not start", e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(EmbeddedArtemis::stop));
    return server;
  }

  private static void stop() {
    try {
      SERVER.stop();
    } catch (Exception e) {
      throw new IllegalStateException("The embedded server did not stop", e);
    }
  }

  /** Consumers take one message at a time, so that a busy one holds no other. */
  static ActiveMQConnectionFactory connections() {
    return new ActiveMQConnectionFactory("vm://1?consumerWindowSize=0");
  }

  /** How many messages a queue holds: waiting, scheduled or given to a consumer. */
  static long count(String queue) {
    var found = SERVER.getActiveMQServer().locateQueue(queue);
    return found == null ? 0 : found.getMessageCount();
  }
}
