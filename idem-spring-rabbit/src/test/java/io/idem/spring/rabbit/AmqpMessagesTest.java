package io.idem.spring.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.rabbitmq.client.AMQP.BasicProperties;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import com.rabbitmq.client.impl.LongStringHelper;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.rabbit.support.DefaultMessagePropertiesConverter;

/** Spring's messages as the client has them, of which copies are made. */
class AmqpMessagesTest {

  @Test
  void aDeliveryHasWhatItsMessageWasPublishedWith() {
    BasicProperties properties =
        new BasicProperties.Builder()
            .deliveryMode(2)
            .priority(7)
            .expiration("60000")
            .correlationId("correlation")
            .replyTo("reply")
            .messageId("id")
            .timestamp(Date.from(Instant.ofEpochSecond(1_700_000_000)))
            .type("type")
            .appId("app")
            .clusterId("cluster")
            .contentType("text/plain")
            .contentEncoding("UTF-8")
            .headers(Map.of("text", "value", "number", 3L))
            .build();
    Envelope envelope = new Envelope(5, true, "exchange", "routing");
    Message message =
        new Message(
            "body".getBytes(StandardCharsets.UTF_8),
            new DefaultMessagePropertiesConverter()
                .toMessageProperties(properties, envelope, StandardCharsets.UTF_8.name()));

    Delivery delivery = AmqpMessages.delivery(message);

    assertThat(delivery.getProperties()).isEqualTo(properties);
    assertThat(delivery.getEnvelope()).usingRecursiveComparison().isEqualTo(envelope);
    assertThat(delivery.getBody()).isEqualTo(message.getBody());
  }

  @Test
  void aLongHeaderIsATextAsWell() {
    String key = "\u00e4".repeat(1000); // 2000 bytes, which Spring's converter leaves alone
    BasicProperties properties =
        new BasicProperties.Builder()
            .headers(Map.of("key", LongStringHelper.asLongString(key)))
            .build();
    Message message =
        new Message(
            new byte[0],
            new DefaultMessagePropertiesConverter()
                .toMessageProperties(properties, null, StandardCharsets.UTF_8.name()));

    assertThat(AmqpMessages.reader().header(message, "key")).isEqualTo(key);
  }

  @Test
  void anIdThatTheWireWouldChangeIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> AmqpMessages.stamp("a\uD83D"))
        .withMessageContaining("half a surrogate pair");
    assertThatIllegalArgumentException().isThrownBy(() -> AmqpMessages.stamp(""));
  }
}
