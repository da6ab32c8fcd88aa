package io.idem.spring.kafka;

import io.idem.kafka.KafkaMessages;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.springframework.kafka.core.DefaultKafkaConsumerFactory;
import org.springframework.kafka.core.DefaultKafkaProducerFactory;
import org.springframework.kafka.core.DefaultShareConsumerFactory;
import org.springframework.kafka.core.KafkaTemplate;
import org.springframework.kafka.test.EmbeddedKafkaKraftBroker;

/** One broker for all tests of a run. */
final class Broker {

  private final EmbeddedKafkaKraftBroker server = new EmbeddedKafkaKraftBroker(1, 1);
  private final DefaultKafkaProducerFactory<String, String> producers;
  private final KafkaTemplate<String, String> template;
  private final Admin admin;

  private Broker() {
    server.brokerProperty("group.initial.rebalance.delay.ms", "0");
    server.brokerProperty("offsets.topic.num.partitions", "1");
    server.brokerProperty("group.share.min.heartbeat.interval.ms", "100");
    server.brokerProperty("group.share.heartbeat.interval.ms", "200");
    server.brokerProperty("share.coordinator.state.topic.replication.factor", "1");
    server.brokerProperty("share.coordinator.state.topic.min.isr", "1");
    server.brokerProperty("share.coordinator.state.topic.num.partitions", "1");
    server.afterPropertiesSet();
    producers =
        new DefaultKafkaProducerFactory<>(
            settings(), new StringSerializer(), new StringSerializer());
    template = new KafkaTemplate<>(producers);
    admin = Admin.create(settings());
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop));
  }

  static Broker shared() {
    return Holder.BROKER;
  }

  private void stop() {
    producers.destroy();
    admin.close();
    server.destroy();
  }

  private Map<String, Object> settings() {
    return new HashMap<>(Map.of("bootstrap.servers", server.getBrokersAsString()));
  }

  DefaultKafkaConsumerFactory<String, String> consumers() {
    Map<String, Object> settings = settings();
    settings.put("auto.offset.reset", "earliest");
    settings.put("fetch.max.wait.ms", 20);
    return new DefaultKafkaConsumerFactory<>(
        settings, new StringDeserializer(), new StringDeserializer());
  }

  /** Consumers of a share group that reads its topics from their beginning. */
  DefaultShareConsumerFactory<String, String> shareConsumers(String group) throws Exception {
    AlterConfigOp earliest =
        new AlterConfigOp(
            new ConfigEntry("share.auto.offset.reset", "earliest"), AlterConfigOp.OpType.SET);
    admin
        .incrementalAlterConfigs(
            Map.of(new ConfigResource(ConfigResource.Type.GROUP, group), List.of(earliest)))
        .all()
        .get(30, TimeUnit.SECONDS);
    Map<String, Object> settings = settings();
    settings.put("group.id", group);
    settings.put("fetch.max.wait.ms", 20);
    settings.put("key.deserializer", StringDeserializer.class);
    settings.put("value.deserializer", StringDeserializer.class);
    return new DefaultShareConsumerFactory<>(settings);
  }

  void createTopics(List<String> names) throws Exception {
    admin
        .createTopics(names.stream().map(name -> new NewTopic(name, 1, (short) 1)).toList())
        .all()
        .get(30, TimeUnit.SECONDS);
  }

  /** Sends a record, with an id if it is not null. */
  void send(String topic, String id, String value) throws Exception {
    ProducerRecord<String, String> record = new ProducerRecord<>(topic, value);
    template.send(id == null ? record : KafkaMessages.stamp(record, id)).get(30, TimeUnit.SECONDS);
  }

  /** Where a group goes on reading a topic; 0 if it has committed nothing. */
  long committed(String group, String topic) throws Exception {
    OffsetAndMetadata offset =
        admin
            .listConsumerGroupOffsets(group)
            .partitionsToOffsetAndMetadata()
            .get(30, TimeUnit.SECONDS)
            .get(new TopicPartition(topic, 0));
    return offset == null ? 0 : offset.offset();
  }

  /** As after a crash of the consumer before it had committed anything since then. */
  void forgetOffsets(String group, String topic, long since) throws Exception {
    admin
        .alterConsumerGroupOffsets(
            group, Map.of(new TopicPartition(topic, 0), new OffsetAndMetadata(since)))
        .all()
        .get(30, TimeUnit.SECONDS);
  }

  /** Starts the broker when it is first touched. */
  private static final class Holder {
    static final Broker BROKER = new Broker();
  }
}
