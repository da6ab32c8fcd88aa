package io.idem.kafka;

import io.idem.testkit.Together;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.KafkaShareConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.ShareConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.test.EmbeddedKafkaKraftBroker;

/** One broker for all tests of a run. */
final class TestKafka {

  private final EmbeddedKafkaKraftBroker broker;
  private final Producer<String, String> producer;
  private final Admin admin;

  private TestKafka() {
    broker = new EmbeddedKafkaKraftBroker(1, 1);
    broker.brokerProperty("group.initial.rebalance.delay.ms", "0");
    broker.brokerProperty("group.min.session.timeout.ms", "500");
    broker.brokerProperty("offsets.topic.num.partitions", "1");
    broker.brokerProperty("transaction.state.log.replication.factor", "1");
    broker.brokerProperty("transaction.state.log.min.isr", "1");
    broker.brokerProperty("transaction.state.log.num.partitions", "1");
    broker.brokerProperty("share.coordinator.state.topic.replication.factor", "1");
    broker.brokerProperty("share.coordinator.state.topic.min.isr", "1");
    broker.brokerProperty("share.coordinator.state.topic.num.partitions", "1");
    broker.afterPropertiesSet();
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
    producer = new KafkaProducer<>(settings(), new StringSerializer(), new StringSerializer());
    admin = Admin.create(settings());
  }

  static TestKafka shared() {
    return Holder.SERVER;
  }

  private void stop() {
    producer.close(Duration.ofSeconds(1));
    admin.close(Duration.ofSeconds(1));
    broker.destroy();
  }

  private Map<String, Object> settings() {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", broker.getBrokersAsString());
    return settings;
  }

  Admin admin() {
    return admin;
  }

  /** A new topic. */
  String topic(int partitions) throws Exception {
    String topic = "t" + UUID.randomUUID();
    create(topic, partitions);
    return topic;
  }

  void create(String topic, int partitions) throws Exception {
    admin
        .createTopics(List.of(new NewTopic(topic, partitions, (short) 1)))
        .all()
        .get(30, TimeUnit.SECONDS);
  }

  /** Deletes a topic and makes another one of its name. */
  void createAnew(String topic) throws Exception {
    admin.deleteTopics(List.of(topic)).all().get(30, TimeUnit.SECONDS);
    Together.awaitChecked(
        "the topic to be gone",
        () -> !admin.listTopics().names().get(30, TimeUnit.SECONDS).contains(topic));
    create(topic, 1);
  }

  /** Sends a record, with an id if it is not null. */
  void send(String topic, int partition, String id, String value) throws Exception {
    ProducerRecord<String, String> record = new ProducerRecord<>(topic, partition, null, value);
    if (id != null) {
      KafkaMessages.stamp(record, id);
    }
    producer.send(record).get(30, TimeUnit.SECONDS);
  }

  /** Sends records in a transaction, of which a marker stays behind them. */
  void sendTogether(String topic, boolean commit, String... values) throws Exception {
    Map<String, Object> settings = settings();
    settings.put("transactional.id", "x" + UUID.randomUUID());
    try (Producer<String, String> transactional =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
      transactional.initTransactions();
      transactional.beginTransaction();
      for (String value : values) {
        transactional.send(new ProducerRecord<>(topic, 0, null, value)).get(30, TimeUnit.SECONDS);
      }
      if (commit) {
        transactional.commitTransaction();
      } else {
        transactional.abortTransaction();
      }
    }
  }

  /** Changes where Kafka has a group that has no consumers. */
  void resetOffset(String group, String topic, long offset) throws Exception {
    admin
        .alterConsumerGroupOffsets(
            group, Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(offset)))
        .all()
        .get(30, TimeUnit.SECONDS);
  }

  KafkaConsumer<String, String> consumer(String group, Map<String, Object> more) {
    Map<String, Object> settings = settings();
    settings.put("group.id", group);
    settings.put("fetch.max.wait.ms", 20);
    settings.put("enable.auto.commit", false);
    settings.put("auto.offset.reset", "earliest");
    settings.putAll(more);
    return new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
  }

  /** A consumer of a share group that reads a topic from its beginning. */
  ShareConsumer<String, String> shareConsumer(String group) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.GROUP, group);
    admin
        .incrementalAlterConfigs(
            Map.of(
                resource,
                List.of(
                    new AlterConfigOp(
                        new ConfigEntry("share.auto.offset.reset", "earliest"),
                        AlterConfigOp.OpType.SET))))
        .all()
        .get(30, TimeUnit.SECONDS);
    Map<String, Object> settings = settings();
    settings.put("group.id", group);
    settings.put("fetch.max.wait.ms", 20);
    settings.put("share.acknowledgement.mode", "explicit");
    return new KafkaShareConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
  }

  /** Where a group goes on reading; 0 if it has committed nothing. */
  long committed(String group, String topic, int partition) throws Exception {
    OffsetAndMetadata offset =
        admin
            .listConsumerGroupOffsets(group)
            .partitionsToOffsetAndMetadata()
            .get(30, TimeUnit.SECONDS)
            .get(new TopicPartition(topic, partition));
    return offset == null ? 0 : offset.offset();
  }

  /** Starts the broker when it is first touched. */
  private static final class Holder {
    static final TestKafka SERVER = new TestKafka();
  }
}
