package io.idem.rocketmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.ParkReason;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.message.MessageExt;
import org.junit.jupiter.api.Test;

/** How messages are read and stamped. */
class RocketMqMessagesTest {

  @Test
  void aStampIsAPropertyAndOneOfTheKeys() {
    MessageExt message = new MessageExt();
    message.setTopic("orders");
    message.setKeys(List.of("order-7"));

    assertThat(RocketMqMessages.stamp(message, "id")).isSameAs(message);

    assertThat(RocketMqMessages.reader().header(message, MessageIds.HEADER)).isEqualTo("id");
    assertThat(message.getKeys()).isEqualTo("order-7 id");
    RocketMqMessages.stamp(message, "id");
    assertThat(message.getKeys()).isEqualTo("order-7 id");
    assertThatThrownBy(() -> RocketMqMessages.stamp(message, "another"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("orders");
    assertThatThrownBy(() -> RocketMqMessages.stamp(message, "two words"))
        .isInstanceOf(IllegalArgumentException.class);
    for (char separator : new char[] {1, 2}) {
      assertThatThrownBy(() -> RocketMqMessages.stamp(new MessageExt(), "a" + separator + "b"))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("separate properties");
    }
    assertThatThrownBy(() -> RocketMqMessages.stamp(new MessageExt(), "a\uD83D"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("half a surrogate pair");
  }

  @Test
  void oneKeyIsAKeyAndSeveralAreNone() {
    MessageExt message = new MessageExt();

    assertThat(RocketMqMessages.keys().of(message)).isInstanceOf(KeyLookup.Absent.class);
    message.setKeys("order-7");
    assertThat(RocketMqMessages.keys().of(message)).isEqualTo(new KeyLookup.Found("order-7"));
    message.setKeys(List.of("order-7", "customer-3"));
    assertThat(RocketMqMessages.keys().of(message)).isInstanceOf(KeyLookup.Unusable.class);
  }

  @Test
  void theMessageIdIsTheProducersAndNeverAnOffset() {
    MessageExt message = new MessageExt();
    message.setMsgId("7F00000100002A9F0000000000000000");
    message.setBody("body".getBytes(StandardCharsets.UTF_8));

    assertThat(RocketMqMessages.reader().messageId(message)).isNull();
    message.getProperties().put("UNIQ_KEY", "unique");
    assertThat(RocketMqMessages.reader().messageId(message)).isEqualTo("unique");
    assertThat(RocketMqMessages.reader().payload(message))
        .isEqualTo("body".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void nothingIsParkedInTheTopicThatItCameFrom() {
    MessageExt message = new MessageExt();
    message.setTopic("orders");
    ParkedMessages parked = ParkedMessages.to(new DefaultMQProducer("not-started"), "orders");

    assertThatThrownBy(
            () ->
                parked.park(message, new DeliveryDecision.Park(ParkReason.NO_KEY, "No key.", null)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContainingAll("'orders'", "another topic", "No key.");
  }
}
