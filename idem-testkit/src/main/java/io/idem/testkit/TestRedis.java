package io.idem.testkit;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import redis.embedded.RedisSentinel;
import redis.embedded.RedisServer;
import redis.embedded.RedisShardedCluster;
import redis.embedded.core.RedisServerBuilder;

/**
 * Redis servers for tests: one standalone and one cluster for all tests of a JVM, and others that a
 * test may break.
 *
 * <p>The shared ones are started when they are first asked for and stopped with the JVM. If one
 * cannot start, the test that asked fails. Set {@value #URL} or {@value #CLUSTER_URL} to use
 * servers that are already there. Their tests share the key space: keys are random. The embedded
 * servers are 6.2; what {@code recent}, {@code redis8} or {@code valkey} names is started from one
 * that is installed.
 */
public final class TestRedis {

  /** The environment variable that names another standalone server, as redis://host:port. */
  public static final String URL = "IDEM_TEST_REDIS_URL";

  /** The environment variable that names a node of another cluster, as redis://host:port. */
  public static final String CLUSTER_URL = "IDEM_TEST_REDIS_CLUSTER_URL";

  /** The environment variable that names the executable of a Redis 7.0 or later, but below 8.4. */
  public static final String SERVER = "IDEM_TEST_REDIS_SERVER";

  /**
   * The environment variable that names the executable of a Redis 8.4 or later, which compares
   * before it sets.
   */
  public static final String REDIS8_SERVER = "IDEM_TEST_REDIS8_SERVER";

  /**
   * The environment variable that names the executable of a Valkey 8.1 or later, which compares
   * before it sets.
   */
  public static final String VALKEY_SERVER = "IDEM_TEST_VALKEY_SERVER";

  /** The name Sentinel knows its primary by. */
  public static final String MASTER = "idem";

  private static final Duration AGREEMENT = Duration.ofSeconds(60);
  private static final int LOWEST_PORT = 12_000;
  private static final int HIGHEST_PORT = 22_000;

  /** A node of a cluster talks to the others on its port and ten thousand. */
  private static final int BUS = 10_000;

  private TestRedis() {}

  /**
   * The standalone server.
   *
   * @return its URL, the same for all callers
   */
  public static String standalone() {
    return Standalone.SHARED;
  }

  /**
   * The cluster: three primaries with a replica each.
   *
   * @return the URL of one node, the same for all callers
   */
  public static String cluster() {
    return Cluster.SHARED;
  }

  /**
   * A standalone server of 7.0 or later that does not compare before it sets, as 8.4 does, started
   * from the executable that {@value #SERVER} names, or from the {@code redis-server} on the path.
   * Without one, the test that asks is aborted, and so reported as skipped.
   *
   * @return its URL, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   * @throws IllegalStateException if the variable names something else
   */
  public static String recent() {
    InstalledRedis.RECENT.require(); // before the class below: what its initialiser throws is lost
    return Recent.SHARED;
  }

  /**
   * A cluster of such servers: three primaries with a replica each.
   *
   * @return the URL of one node, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static String recentCluster() {
    InstalledRedis.RECENT.require();
    return RecentCluster.SHARED;
  }

  /**
   * Whether {@link #recent()} has a server.
   *
   * @return true if so
   */
  public static boolean hasRecent() {
    return InstalledRedis.RECENT.find().isPresent();
  }

  /**
   * A standalone Redis that compares before it sets, started from the executable that {@value
   * #REDIS8_SERVER} names, or from the {@code redis-server} on the path. Without one, the test that
   * asks is aborted, and so reported as skipped.
   *
   * @return its URL, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   * @throws IllegalStateException if the variable names something else
   */
  public static String redis8() {
    InstalledRedis.REDIS8.require();
    return Redis8.SHARED;
  }

  /**
   * A cluster of such servers: three primaries with a replica each.
   *
   * @return the URL of one node, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static String redis8Cluster() {
    InstalledRedis.REDIS8.require();
    return Redis8Cluster.SHARED;
  }

  /**
   * A standalone Valkey that compares before it sets, started from the executable that {@value
   * #VALKEY_SERVER} names, or from the {@code valkey-server} on the path. Without one, the test
   * that asks is aborted, and so reported as skipped.
   *
   * @return its URL, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   * @throws IllegalStateException if the variable names something else
   */
  public static String valkey() {
    InstalledRedis.VALKEY.require();
    return Valkey.SHARED;
  }

  /**
   * A cluster of such servers: three primaries with a replica each.
   *
   * @return the URL of one node, the same for all callers
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static String valkeyCluster() {
    InstalledRedis.VALKEY.require();
    return ValkeyCluster.SHARED;
  }

  /**
   * Starts a server of the test's own.
   *
   * @param settings lines as in redis.conf
   * @return the running server
   */
  public static Server start(String... settings) {
    try {
      return start(builder(), settings);
    } catch (IOException e) {
      throw new UncheckedIOException("An embedded Redis did not start", e);
    }
  }

  /**
   * Starts a server of the test's own of 7.0 or later, but below 8.4, see {@link #recent()}.
   *
   * @param settings lines as in redis.conf
   * @return the running server
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static Server startRecent(String... settings) {
    return start(InstalledRedis.RECENT, settings);
  }

  /**
   * Starts a Redis of the test's own that compares before it sets, see {@link #redis8()}.
   *
   * @param settings lines as in redis.conf
   * @return the running server
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static Server startRedis8(String... settings) {
    return start(InstalledRedis.REDIS8, settings);
  }

  /**
   * Starts a Valkey of the test's own that compares before it sets, see {@link #valkey()}.
   *
   * @param settings lines as in redis.conf
   * @return the running server
   * @throws org.opentest4j.TestAbortedException if there is no such executable
   */
  public static Server startValkey(String... settings) {
    return start(InstalledRedis.VALKEY, settings);
  }

  private static Server start(InstalledRedis installed, String... settings) {
    try {
      return start(builder(installed), settings);
    } catch (IOException e) {
      throw new UncheckedIOException("The installed " + installed + " did not start", e);
    }
  }

  private static Server start(RedisServerBuilder builder, String... settings) throws IOException {
    int port = freePort();
    builder.port(port);
    for (String setting : settings) {
      builder.setting(setting);
    }
    RedisServer server = builder.build();
    server.start();
    return new Server(server, port);
  }

  /**
   * Starts a primary, its replica and three Sentinels of the test's own, who give a primary up
   * after half a second.
   *
   * @return the running servers
   */
  public static Sentinels startSentinels() {
    Server primary = start();
    Server replica = start("replicaof 127.0.0.1 " + primary.port());
    List<RedisSentinel> sentinels = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        RedisSentinel sentinel =
            RedisSentinel.newRedisSentinel()
                .port(freePort())
                .masterName(MASTER)
                .masterPort(primary.port())
                .quorumSize(2)
                .downAfterMilliseconds(500)
                .failOverTimeout(3_000)
                .onShutdownForceStop(true)
                .build();
        sentinel.start();
        sentinels.add(sentinel);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("An embedded Sentinel did not start", e);
    }
    return new Sentinels(primary, replica, List.copyOf(sentinels));
  }

  private static RedisServerBuilder builder() throws IOException {
    Path directory = Files.createTempDirectory("idem-redis");
    directory.toFile().deleteOnExit();
    return RedisServer.newRedisServer()
        .onShutdownForceStop(true)
        .setting("save \"\"")
        .setting("dir " + directory);
  }

  private static RedisServerBuilder builder(InstalledRedis installed) throws IOException {
    File executable = installed.require();
    return builder().executableProvider(() -> executable);
  }

  private static String startCluster(RedisServerBuilder builder) throws IOException {
    List<Integer> ports = new ArrayList<>();
    while (ports.size() < 6) {
      int port = freePort();
      if (!ports.contains(port)) {
        ports.add(port);
      }
    }
    RedisShardedCluster cluster =
        RedisShardedCluster.newRedisCluster()
            .withServerBuilder(builder)
            .serverPorts(ports)
            .shard("one", 1)
            .shard("two", 1)
            .shard("three", 1)
            .initializationTimeout(Duration.ofSeconds(60))
            .build();
    cluster.start();
    awaitAgreement(cluster.serverPorts());
    return urlOf(cluster.serverPorts().get(0));
  }

  private static String startCluster(InstalledRedis installed) {
    try {
      return startCluster(builder(installed));
    } catch (IOException e) {
      throw new UncheckedIOException("The cluster of " + installed + " did not start", e);
    }
  }

  private static int freePort() {
    for (int tries = 0; tries < 1_000; tries++) {
      int port = ThreadLocalRandom.current().nextInt(LOWEST_PORT, HIGHEST_PORT);
      if (isFree(port) && isFree(port + BUS)) {
        return port;
      }
    }
    throw new IllegalStateException("No port is free for a test's Redis");
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket(port, 1, InetAddress.getLoopbackAddress())) {
      return socket.isBound();
    } catch (IOException e) {
      return false;
    }
  }

  /** A node serves its slots only when it has heard of all others, each in its own time. */
  private static void awaitAgreement(List<Integer> ports) throws IOException {
    long end = System.nanoTime() + AGREEMENT.toNanos();
    for (int port : ports) {
      while (!ask(port, "CLUSTER INFO").contains("cluster_state:ok")
          || ask(port, "CLUSTER NODES").lines().filter(line -> line.contains("slave")).count()
              != ports.size() / 2) {
        if (System.nanoTime() > end) {
          throw new IllegalStateException("The nodes of the embedded Redis cluster do not agree");
        }
        LockSupport.parkNanos(20_000_000);
      }
    }
  }

  private static String ask(int port, String question) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.getOutputStream().write((question + "\r\nQUIT\r\n").getBytes(StandardCharsets.UTF_8));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private static @Nullable String external(String variable) {
    String url = System.getenv(variable);
    return url == null || url.isEmpty() ? null : url;
  }

  private static String urlOf(int port) {
    return "redis://127.0.0.1:" + port;
  }

  /** A server that a test may stop. Closing stops it. */
  public static final class Server implements AutoCloseable {

    private final RedisServer server;
    private final int port;

    private Server(RedisServer server, int port) {
      this.server = server;
      this.port = port;
    }

    /**
     * Where it listens.
     *
     * @return its URL
     */
    public String url() {
      return urlOf(port);
    }

    /**
     * Where it listens, at 127.0.0.1.
     *
     * @return its port
     */
    public int port() {
      return port;
    }

    /** Kills it, as a crash would. */
    public void kill() {
      try {
        server.stop();
      } catch (IOException e) {
        throw new UncheckedIOException("An embedded Redis did not stop", e);
      }
    }

    /** Starts it again on its port after it was killed. It has kept no data. */
    public void restart() {
      try {
        server.start();
      } catch (IOException e) {
        throw new UncheckedIOException("An embedded Redis did not start again", e);
      }
    }

    @Override
    public void close() {
      kill();
    }
  }

  /** A primary that Sentinels watch over. Closing stops all of them. */
  public static final class Sentinels implements AutoCloseable {

    private final Server primary;
    private final Server replica;
    private final List<RedisSentinel> sentinels;

    private Sentinels(Server primary, Server replica, List<RedisSentinel> sentinels) {
      this.primary = primary;
      this.replica = replica;
      this.sentinels = sentinels;
    }

    /**
     * Where the primary can be asked for.
     *
     * @return a URL with the Sentinels and the primary's name
     */
    public String url() {
      return ports()
          .map(port -> "127.0.0.1:" + port)
          .collect(Collectors.joining(",", "redis-sentinel://", "#" + MASTER));
    }

    /**
     * Where each Sentinel itself listens.
     *
     * @return their URLs
     */
    public List<String> sentinelUrls() {
      return ports().map(TestRedis::urlOf).toList();
    }

    /**
     * The primary at the start.
     *
     * @return the server
     */
    public Server primary() {
      return primary;
    }

    /**
     * The replica at the start.
     *
     * @return the server
     */
    public Server replica() {
      return replica;
    }

    private Stream<Integer> ports() {
      return sentinels.stream().map(sentinel -> sentinel.ports().get(0));
    }

    @Override
    public void close() {
      for (RedisSentinel sentinel : sentinels) {
        try {
          sentinel.stop();
        } catch (IOException e) {
          throw new UncheckedIOException("An embedded Sentinel did not stop", e);
        }
      }
      replica.close();
      primary.close();
    }
  }

  /** Starts the server when it is first touched. */
  private static final class Standalone {
    static final String SHARED = url();

    private static String url() {
      @Nullable String external = external(URL);
      return external != null ? external : start().url();
    }
  }

  /** Starts the cluster when it is first touched. */
  private static final class Cluster {
    static final String SHARED = url();

    private static String url() {
      @Nullable String external = external(CLUSTER_URL);
      if (external != null) {
        return external;
      }
      try {
        return startCluster(builder());
      } catch (IOException e) {
        throw new UncheckedIOException(
            "The embedded Redis cluster did not start; set " + CLUSTER_URL + " to use another", e);
      }
    }
  }

  /** Starts the installed server when it is first touched. */
  private static final class Recent {
    static final String SHARED = startRecent().url();
  }

  /** Starts a cluster of the installed server when it is first touched. */
  private static final class RecentCluster {
    static final String SHARED = startCluster(InstalledRedis.RECENT);
  }

  /** Starts the installed Redis that compares when it is first touched. */
  private static final class Redis8 {
    static final String SHARED = startRedis8().url();
  }

  /** Starts a cluster of the installed Redis that compares when it is first touched. */
  private static final class Redis8Cluster {
    static final String SHARED = startCluster(InstalledRedis.REDIS8);
  }

  /** Starts the installed Valkey when it is first touched. */
  private static final class Valkey {
    static final String SHARED = startValkey().url();
  }

  /** Starts a cluster of the installed Valkey when it is first touched. */
  private static final class ValkeyCluster {
    static final String SHARED = startCluster(InstalledRedis.VALKEY);
  }
}
