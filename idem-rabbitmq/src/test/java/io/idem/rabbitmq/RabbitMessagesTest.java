package io.idem.rabbitmq;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.impl.LongStringHelper;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** How deliveries are read and stamped. */
class RabbitMessagesTest {

  private static final BasicProperties PLAIN = new BasicProperties();

  @Test
  void readsWhatItStamps() {
    String id = MessageIds.of("order-paid", "17");
    BasicProperties sent =
        RabbitMessages.stamp(
            PLAIN.builder().type("paid").headers(Map.of("tenant", "t")).build(), id);

    assertThat(sent.getType()).isEqualTo("paid");
    assertThat(sent.getHeaders()).containsEntry("tenant", "t");
    assertThat(MessageKey.header(RabbitMessages.reader(), MessageIds.HEADER).of(delivery(sent)))
        .isEqualTo(new KeyLookup.Found(id));
    assertThat(MessageKey.messageId(RabbitMessages.reader()).of(delivery(sent)))
        .isEqualTo(new KeyLookup.Found(id));
  }

  @Test
  void readsTextAsTheBrokerSendsIt() {
    BasicProperties received =
        PLAIN.builder().headers(Map.of("n", LongStringHelper.asLongString("17"))).build();

    assertThat(MessageKey.header(RabbitMessages.reader(), "n").of(delivery(received)))
        .isEqualTo(new KeyLookup.Found("17"));
  }

  @Test
  void aDeliveryTagIsNoKey() {
    assertThat(MessageKey.messageId(RabbitMessages.reader()).of(delivery(PLAIN)))
        .isInstanceOf(KeyLookup.Absent.class);
    assertThat(MessageKey.header(RabbitMessages.reader(), "n").of(delivery(PLAIN)))
        .isInstanceOf(KeyLookup.Absent.class);
  }

  @Test
  void aMessageHasOneId() {
    BasicProperties stamped = RabbitMessages.stamp(PLAIN, "1");

    assertThat(RabbitMessages.stamp(stamped, "1")).isEqualTo(stamped);
    assertThatIllegalArgumentException().isThrownBy(() -> RabbitMessages.stamp(stamped, "2"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RabbitMessages.stamp(PLAIN.builder().messageId("2").build(), "1"));
    assertThatIllegalArgumentException().isThrownBy(() -> RabbitMessages.stamp(PLAIN, ""));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RabbitMessages.stamp(PLAIN, "a\uD83D"))
        .withMessageContaining("half a surrogate pair");
  }

  @Test
  void aCopyNamesWhereTheOriginalWasPublished() {
    Map<String, Object> headers =
        Map.of(DeliveryCopies.EXCHANGE_HEADER, "events", DeliveryCopies.ROUTING_KEY_HEADER, "paid");

    Envelope envelope =
        DeliveryCopies.original(delivery(PLAIN.builder().headers(headers).build())).getEnvelope();

    assertThat(envelope.getExchange()).isEqualTo("events");
    assertThat(envelope.getRoutingKey()).isEqualTo("paid");
    assertThat(envelope.getDeliveryTag()).isEqualTo(7);
  }

  private static Delivery delivery(BasicProperties properties) {
    return new Delivery(new Envelope(7, false, "", "queue"), properties, new byte[0]);
  }
}
