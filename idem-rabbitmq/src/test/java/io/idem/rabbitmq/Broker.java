package io.idem.rabbitmq;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import com.rabbitmq.client.GetResponse;
import io.idem.testkit.TestRabbitMq;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.UUID;
import org.apache.qpid.server.SystemLauncher;

/** A broker that all tests of a run share. */
final class Broker {

  private static final String CONFIGURATION =
      """
      {"name": "broker", "modelVersion": "9.1",
       "authenticationproviders": [{"name": "plain", "type": "Plain", "secureOnlyMechanisms": [],
         "users": [{"name": "guest", "type": "managed", "password": "guest"}]}],
       "ports": [{"name": "AMQP", "port": "%s", "bindingAddress": "127.0.0.1",
         "authenticationProvider": "plain", "protocols": ["AMQP_0_9_1"],
         "virtualhostaliases": [{"name": "default", "type": "defaultAlias"}]}],
       "virtualhostnodes": [{"name": "default", "type": "Memory", "defaultVirtualHostNode": "true",
         "virtualHostInitialConfiguration": "{\\"type\\": \\"Memory\\"}"}]}
      """;

  private static final BasicProperties PERSISTENT =
      new BasicProperties.Builder().deliveryMode(2).build();

  private final ConnectionFactory connections = new ConnectionFactory();

  private Broker(String url) throws Exception {
    connections.setUri(url);
    connections.setAutomaticRecoveryEnabled(false);
  }

  /** The one that is always there. */
  static Broker embedded() {
    return Embedded.BROKER;
  }

  /** The real one, if the environment names it. */
  static Broker rabbitMq() throws Exception {
    return new Broker(TestRabbitMq.shared());
  }

  Connection connect() throws Exception {
    return connections.newConnection();
  }

  /** A new durable queue. */
  String queue(Channel channel, Map<String, Object> arguments) throws Exception {
    String queue = "q" + UUID.randomUUID();
    channel.queueDeclare(queue, true, false, false, arguments);
    return queue;
  }

  /** A queue of which the broker drops what has come back more often. */
  String quorumQueue(Channel channel, int deliveryLimit) throws Exception {
    Map<String, Object> arguments = new HashMap<>();
    arguments.put("x-queue-type", "quorum");
    arguments.put("x-delivery-limit", deliveryLimit);
    return queue(channel, arguments);
  }

  /** Sends a message to a queue, with an id if it is not null. */
  static void send(Channel channel, String queue, String id, String body) throws Exception {
    channel.basicPublish(
        "",
        queue,
        id == null ? PERSISTENT : RabbitMessages.stamp(PERSISTENT, id),
        body.getBytes(StandardCharsets.UTF_8));
  }

  static GetResponse take(Channel channel, String queue) throws Exception {
    return channel.basicGet(queue, true);
  }

  /** One virtual host in memory, on a port of the loopback interface. */
  private static String startEmbedded() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Path configuration = Files.createTempFile("broker", ".json");
    configuration.toFile().deleteOnExit();
    Files.writeString(configuration, CONFIGURATION.formatted(port));
    Map<String, Object> system = new HashMap<>();
    system.put("type", "Memory");
    system.put("initialConfigurationLocation", configuration.toString());
    system.put("startupLoggedToSystemOut", false);
    SystemLauncher launcher = new SystemLauncher();
    launcher.startup(system);
    Runtime.getRuntime().addShutdownHook(new Thread(launcher::shutdown));
    return "amqp://guest:guest@127.0.0.1:" + port;
  }

  /** Starts the broker when it is first touched. */
  private static final class Embedded {
    static final Broker BROKER = start();

    private static Broker start() {
      try {
        return new Broker(startEmbedded());
      } catch (Exception e) {
        throw new IllegalStateException("The embedded broker did not start", e);
      }
    }
  }
}
