package io.idem.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.stream.Stream;
import org.apache.rocketmq.broker.BrokerController;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.BrokerConfig;
import org.apache.rocketmq.common.MixAll;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.common.namesrv.NamesrvConfig;
import org.apache.rocketmq.namesrv.NamesrvController;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.netty.NettyServerConfig;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/**
 * One RocketMQ for all tests of a JVM: a name server and a broker, on the loopback interface.
 *
 * <p>They are started when they are first asked for and stopped with the JVM, when their data is
 * deleted too. If one cannot start, the test that asked fails. Tests share them: their topics and
 * groups have random names. The broker delivers again a second after each failure, as often as the
 * consumer allows. Its logs, like the client's, are below the system property {@code user.home}.
 *
 * <p>The servers are optional dependencies: who uses this class names {@code rocketmq-namesrv} and
 * {@code rocketmq-broker} too. No other class of the testkit needs them. Instances may be used by
 * many threads.
 */
public final class TestRocketMq {

  private static final String BROKER = "broker";
  private static final String LOOPBACK = "127.0.0.1";

  private final String address;
  private final NamesrvController names;
  private final BrokerController broker;
  private final DefaultMQProducer producer;

  private TestRocketMq(
      String address,
      NamesrvController names,
      BrokerController broker,
      DefaultMQProducer producer) {
    this.address = address;
    this.names = names;
    this.broker = broker;
    this.producer = producer;
  }

  /**
   * The servers.
   *
   * @return the same for all callers
   */
  public static TestRocketMq shared() {
    return Holder.SERVERS;
  }

  /**
   * Where clients find the broker.
   *
   * @return host and port of the name server
   */
  public String address() {
    return address;
  }

  /**
   * A producer for what tests and their subjects send.
   *
   * @return the same for all callers; it is started, and stopped with the JVM
   */
  public DefaultMQProducer producer() {
    return producer;
  }

  /**
   * Creates a topic, and waits until clients find it.
   *
   * @param topic its name, which no topic has
   * @param queues how many queues it has
   */
  public void createTopic(String topic, int queues) {
    broker.getTopicConfigManager().updateTopicConfig(new TopicConfig(topic, queues, queues));
    Together.await(
        "the topic at the name server",
        () -> {
          broker.registerBrokerAll(false, false, true); // by itself only after ten seconds
          return names.getRouteInfoManager().pickupTopicRouteData(topic) != null;
        });
    try {
      producer.fetchPublishMessageQueues(topic);
    } catch (Exception e) {
      throw new IllegalStateException("The producer does not find " + topic, e);
    }
  }

  /**
   * Sends a message to its topic.
   *
   * @param message the message
   * @param queue which queue of the topic, from 0
   */
  public void send(Message message, int queue) {
    try {
      producer.send(message, new MessageQueue(message.getTopic(), BROKER, queue));
    } catch (Exception e) {
      throw new IllegalStateException("A message was not sent to " + message.getTopic(), e);
    }
  }

  /**
   * How many messages a topic was sent.
   *
   * @param topic its name
   * @return the number; 0 if there is no such topic
   */
  public long count(String topic) {
    TopicConfig config = broker.getTopicConfigManager().selectTopicConfig(topic);
    long count = 0;
    try {
      for (int queue = 0; config != null && queue < config.getWriteQueueNums(); queue++) {
        count += broker.getMessageStore().getMaxOffsetInQueue(topic, queue);
      }
    } catch (Exception e) {
      throw new IllegalStateException("The messages of " + topic + " cannot be counted", e);
    }
    return count;
  }

  /**
   * How many messages of a topic a group has acknowledged.
   *
   * @param group the group of consumers
   * @param topic the topic, or that of the group's retries
   * @param queues how many queues the topic has
   * @return the number, as far as the consumers have told the broker
   */
  public long acknowledged(String group, String topic, int queues) {
    long count = 0;
    for (int queue = 0; queue < queues; queue++) {
      count += Math.max(0, broker.getConsumerOffsetManager().queryOffset(group, topic, queue));
    }
    return count;
  }

  /**
   * How many messages the broker has given up on: those among a group's dead letters.
   *
   * @param group the group of consumers
   * @return the number
   */
  public long givenUp(String group) {
    return count(MixAll.getDLQTopic(group));
  }

  private static TestRocketMq start() {
    Deque<Runnable> stops = new ConcurrentLinkedDeque<>();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> stops.forEach(Runnable::run)));
    try {
      Path directory = Files.createTempDirectory("idem-rocketmq");
      stops.addFirst(() -> delete(directory));
      int port = freePort();
      String address = LOOPBACK + ":" + port;
      NamesrvController names = names(directory, port);
      stops.addFirst(names::shutdown);
      BrokerController broker = broker(directory, address);
      stops.addFirst(broker::shutdown);
      DefaultMQProducer producer = producer(address);
      stops.addFirst(producer::shutdown);
      return new TestRocketMq(address, names, broker, producer);
    } catch (Exception e) {
      throw new IllegalStateException("The embedded RocketMQ did not start", e);
    }
  }

  private static NamesrvController names(Path directory, int port) throws Exception {
    NamesrvConfig config = new NamesrvConfig();
    config.setRocketmqHome(directory.toString());
    config.setKvConfigPath(directory.resolve("kv.json").toString());
    config.setConfigStorePath(directory.resolve("names.properties").toString());
    NamesrvController controller = new NamesrvController(config, server(port));
    if (!controller.initialize()) {
      throw new IllegalStateException("The name server does not start");
    }
    controller.start();
    return controller;
  }

  private static BrokerController broker(Path directory, String address) throws Exception {
    int port = freePort();
    BrokerConfig config = new BrokerConfig();
    config.setRocketmqHome(directory.toString());
    config.setBrokerName(BROKER);
    config.setBrokerIP1(LOOPBACK);
    config.setBrokerIP2(LOOPBACK);
    config.setNamesrvAddr(address);
    config.setListenPort(port);
    MessageStoreConfig store = new MessageStoreConfig();
    store.setStorePathRootDir(directory.resolve("store").toString());
    store.setStorePathCommitLog(directory.resolve("store/commitlog").toString());
    store.setMappedFileSizeCommitLog(4 * 1024 * 1024);
    store.setMappedFileSizeConsumeQueue(20 * 1000);
    store.setMaxHashSlotNum(1000);
    store.setMaxIndexNum(4000);
    store.setDiskMaxUsedSpaceRatio(95);
    store.setHaListenPort(freePort());
    store.setTimerWheelEnable(false);
    store.setMessageDelayLevel("1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s 1s");
    BrokerController controller =
        new BrokerController(config, server(port), new NettyClientConfig(), store);
    if (!controller.initialize()) {
      throw new IllegalStateException("The broker does not start");
    }
    controller.start();
    return controller;
  }

  private static NettyServerConfig server(int port) {
    NettyServerConfig config = new NettyServerConfig();
    config.setBindAddress(LOOPBACK);
    config.setListenPort(port);
    return config;
  }

  private static DefaultMQProducer producer(String address) throws Exception {
    DefaultMQProducer made = new DefaultMQProducer("tests");
    made.setNamesrvAddr(address);
    made.setPollNameServerInterval(200);
    made.start();
    return made;
  }

  /** A port that is free, and the one two below it, which the broker takes too. */
  private static int freePort() throws IOException {
    while (true) {
      try (ServerSocket port = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
          ServerSocket below =
              new ServerSocket(port.getLocalPort() - 2, 1, InetAddress.getLoopbackAddress())) {
        return below.getLocalPort() + 2;
      } catch (BindException e) {
        // the one below is taken: another one
      }
    }
  }

  private static void delete(Path directory) {
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Starts the servers when they are first touched. */
  private static final class Holder {
    static final TestRocketMq SERVERS = start();
  }
}
