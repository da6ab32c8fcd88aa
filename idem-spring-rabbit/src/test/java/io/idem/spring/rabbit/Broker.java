package io.idem.spring.rabbit;

import com.rabbitmq.client.ConnectionFactory;
import io.idem.testkit.TestRabbitMq;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.apache.qpid.server.SystemLauncher;
import org.springframework.amqp.rabbit.connection.CachingConnectionFactory;

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

  CachingConnectionFactory connectionFactory() {
    return new CachingConnectionFactory(connections);
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
