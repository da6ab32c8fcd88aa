package io.idem.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.junit.jupiter.api.Test;

/** How records are read and stamped. */
class KafkaMessagesTest {

  @Test
  void readsWhatItStamps() {
    String id = MessageIds.of("order-paid", "17");
    ProducerRecord<String, String> sent =
        KafkaMessages.stamp(new ProducerRecord<>("topic", "value"), id);
    ConsumerRecord<String, String> received = new ConsumerRecord<>("topic", 0, 5, null, "value");
    sent.headers().forEach(received.headers()::add);

    assertThat(MessageKey.header(KafkaMessages.reader(), MessageIds.HEADER).of(received))
        .isEqualTo(new KeyLookup.Found(id));
    assertThat(KafkaMessages.reader().payload(received)).isEqualTo("value");
  }

  @Test
  void theLastHeaderOfANameCounts() {
    ConsumerRecord<String, String> received = new ConsumerRecord<>("topic", 0, 5, null, "value");
    received.headers().add("n", new byte[] {'1'}).add("n", new byte[] {'2'});

    assertThat(MessageKey.header(KafkaMessages.reader(), "n").of(received))
        .isEqualTo(new KeyLookup.Found("2"));
  }

  @Test
  void anOffsetIsNoKey() {
    ConsumerRecord<String, String> received = new ConsumerRecord<>("topic", 0, 5, "k", "value");

    assertThat(MessageKey.messageId(KafkaMessages.reader()).of(received))
        .isInstanceOf(KeyLookup.Absent.class);
    assertThat(MessageKey.header(KafkaMessages.reader(), "n").of(received))
        .isInstanceOf(KeyLookup.Absent.class);
  }

  @Test
  void aRecordHasOneId() {
    ProducerRecord<String, String> record =
        KafkaMessages.stamp(new ProducerRecord<>("topic", "value"), "1");

    KafkaMessages.stamp(record, "1");
    assertThat(record.headers().headers(MessageIds.HEADER))
        .singleElement()
        .satisfies(
            header -> assertThat(header.value()).isEqualTo("1".getBytes(StandardCharsets.UTF_8)));
    assertThatIllegalArgumentException().isThrownBy(() -> KafkaMessages.stamp(record, "2"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> KafkaMessages.stamp(new ProducerRecord<>("topic", "value"), ""));
    assertThatIllegalArgumentException()
        .as("UTF-8 has no bytes for half a surrogate pair, and two ids would be one")
        .isThrownBy(() -> KafkaMessages.stamp(new ProducerRecord<>("topic", "value"), "a\uD83D"));
    assertThatNullPointerException()
        .isThrownBy(() -> KafkaMessages.stamp(new ProducerRecord<>("topic", "value"), null))
        .withMessage("The id of a message is null");
  }
}
