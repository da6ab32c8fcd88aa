package io.idem.jms;

import jakarta.jms.Connection;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageConsumer;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import jakarta.jms.TextMessage;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import org.apache.activemq.artemis.api.core.QueueConfiguration;
import org.apache.activemq.artemis.api.core.RoutingType;
import org.apache.activemq.artemis.api.core.SimpleString;
import org.apache.activemq.artemis.core.config.Configuration;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.server.impl.AddressInfo;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;

/** One server for all tests of a run, which gives up on a message after three deliveries. */
final class TestArtemis {

  static final int MAX_DELIVERIES = 3;

  /** Where the server puts what it has given up on. */
  static final String GIVEN_UP = "given-up";

  /** Where the server puts messages that have lived for as long as they may. */
  static final String EXPIRED = "expired";

  private final EmbeddedActiveMQ server = new EmbeddedActiveMQ();
  private final ActiveMQConnectionFactory connections;

  private TestArtemis() {
    try {
      Configuration configuration =
          new ConfigurationImpl()
              .setPersistenceEnabled(false)
              .setSecurityEnabled(false)
              .setJMXManagementEnabled(false)
              .addAcceptorConfiguration("vm", "vm://0")
              .addAddressSetting(
                  "#",
                  new AddressSettings()
                      .setMaxDeliveryAttempts(MAX_DELIVERIES)
                      .setRedeliveryDelay(0)
                      .setDeadLetterAddress(SimpleString.of(GIVEN_UP))
                      .setExpiryAddress(SimpleString.of(EXPIRED)));
      server.setConfiguration(configuration).start();
      for (String queue : new String[] {GIVEN_UP, EXPIRED}) {
        server
            .getActiveMQServer()
            .createQueue(QueueConfiguration.of(queue).setRoutingType(RoutingType.ANYCAST));
      }
    } catch (Exception e) {
      throw new IllegalStateException("Artemis does not start", e);
    }
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
    // Without a window: a consumer that is busy does not hoard what another one could take.
    connections = new ActiveMQConnectionFactory("vm://0?consumerWindowSize=0");
  }

  static TestArtemis shared() {
    return Holder.SERVER;
  }

  private void stop() {
    try {
      connections.close();
      server.stop();
    } catch (Exception e) {
      throw new IllegalStateException("Artemis does not stop", e);
    }
  }

  Connection connect() throws JMSException {
    Connection connection = connections.createConnection();
    connection.start();
    return connection;
  }

  /** An address that topics and queues may have. */
  void createAddress(String name) throws Exception {
    server
        .getActiveMQServer()
        .addAddressInfo(
            new AddressInfo(
                SimpleString.of(name), EnumSet.of(RoutingType.ANYCAST, RoutingType.MULTICAST)));
  }

  /** Sends messages, each as it is made. */
  void send(String queue, Making... messages) throws JMSException {
    try (Connection connection = connect();
        Session session = connection.createSession()) {
      for (Making message : messages) {
        session.createProducer(session.createQueue(queue)).send(message.make(session));
      }
    }
  }

  /** A text with an id, or without one if it is null. */
  static Making text(String id, String text) {
    return session -> {
      TextMessage message = session.createTextMessage(text);
      return id == null ? message : JmsMessages.stamp(message, id);
    };
  }

  /** What is in a queue, without taking it. */
  List<Message> browse(String queue) throws JMSException {
    List<Message> messages = new ArrayList<>();
    try (Connection connection = connect();
        Session session = connection.createSession()) {
      var waiting = session.createBrowser(session.createQueue(queue)).getEnumeration();
      while (waiting.hasMoreElements()) {
        messages.add((Message) waiting.nextElement());
      }
    }
    return messages;
  }

  /** How many messages a queue holds: waiting, scheduled or given to a consumer. */
  long count(String queue) {
    var found = server.getActiveMQServer().locateQueue(queue);
    return found == null ? 0 : found.getMessageCount();
  }

  /** Makes a message. */
  interface Making {
    Message make(Session session) throws JMSException;
  }

  /** A connection, a session and a consumer of a queue. */
  static final class Node implements AutoCloseable {
    final Connection connection;
    final Session session;
    final Queue queue;
    final MessageConsumer consumer;

    Node(String queue, int mode) throws JMSException {
      connection = shared().connect();
      session = connection.createSession(mode);
      this.queue = session.createQueue(queue);
      consumer = session.createConsumer(this.queue);
    }

    @Override
    public void close() throws JMSException {
      connection.close();
    }
  }

  /** Starts the server when it is first touched. */
  private static final class Holder {
    static final TestArtemis SERVER = new TestArtemis();
  }
}
