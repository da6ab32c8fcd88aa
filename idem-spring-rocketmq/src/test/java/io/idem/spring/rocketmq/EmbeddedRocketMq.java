package io.idem.spring.rocketmq;

import io.idem.rocketmq.RocketMqMessages;
import io.idem.testkit.Together;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
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

/** One name server and one broker for all tests of a run, on the loopback interface. */
final class EmbeddedRocketMq {

  private static final String BROKER = "broker";
  private static final String LOOPBACK = "127.0.0.1";

  private final Path directory;
  private final NamesrvController names;
  private final BrokerController broker;
  private final String address;
  private final DefaultMQProducer producer;

  private EmbeddedRocketMq() {
    try {
      directory = Files.createTempDirectory("idem-rocketmq");
      Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
      int namesPort = freePort();
      address = LOOPBACK + ":" + namesPort;
      names = names(namesPort);
      broker = broker(freePort());
      producer = producer();
    } catch (Exception e) {
      throw new IllegalStateException("RocketMQ does not start", e);
    }
  }

  private NamesrvController names(int port) throws Exception {
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

  private BrokerController broker(int port) throws Exception {
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

  private DefaultMQProducer producer() throws Exception {
    DefaultMQProducer made = new DefaultMQProducer("tests");
    made.setNamesrvAddr(address);
    made.setPollNameServerInterval(200);
    made.start();
    return made;
  }

  static EmbeddedRocketMq shared() {
    return Holder.SERVER;
  }

  private void stop() {
    if (producer != null) {
      producer.shutdown();
    }
    if (broker != null) {
      broker.shutdown();
    }
    if (names != null) {
      names.shutdown();
    }
    try (Stream<Path> files = Files.walk(directory)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Where clients find the broker. */
  String address() {
    return address;
  }

  /** Makes a topic with one queue, which the clients find. */
  void topic(String topic) throws Exception {
    TopicConfig config = new TopicConfig(topic, 1, 1);
    broker.getTopicConfigManager().updateTopicConfig(config);
    Together.await(
        "the topic at the name server",
        () -> {
          broker.registerBrokerAll(false, false, true); // by itself only after ten seconds
          return names.getRouteInfoManager().pickupTopicRouteData(topic) != null;
        });
    producer.fetchPublishMessageQueues(topic);
  }

  /** Sends a message, with an id if it is not null. */
  void send(String topic, String id, String value) throws Exception {
    Message message = new Message(topic, value.getBytes(StandardCharsets.UTF_8));
    if (id != null) {
      RocketMqMessages.stamp(message, id);
    }
    producer.send(message, new MessageQueue(topic, BROKER, 0));
  }

  /** How many messages a topic was sent; 0 if it is not there. */
  long count(String topic) throws Exception {
    TopicConfig config = broker.getTopicConfigManager().selectTopicConfig(topic);
    long count = 0;
    for (int queue = 0; config != null && queue < config.getWriteQueueNums(); queue++) {
      count += broker.getMessageStore().getMaxOffsetInQueue(topic, queue);
    }
    return count;
  }

  /** What the broker has given up on. */
  long givenUp(String group) throws Exception {
    return count(MixAll.getDLQTopic(group));
  }

  /** Starts the servers when they are first touched. */
  private static final class Holder {
    static final EmbeddedRocketMq SERVER = new EmbeddedRocketMq();
  }
}
