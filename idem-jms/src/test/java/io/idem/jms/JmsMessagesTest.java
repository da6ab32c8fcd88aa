package io.idem.jms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageReader;
import io.idem.messaging.ParkReason;
import jakarta.jms.BytesMessage;
import jakarta.jms.InvalidDestinationException;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.Session;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How messages are read and stamped. */
class JmsMessagesTest {

  private static final MessageReader<Message> READER = JmsMessages.reader();

  private TestArtemis.Node node;

  @BeforeEach
  void open() throws JMSException {
    node = new TestArtemis.Node("q" + UUID.randomUUID(), Session.SESSION_TRANSACTED);
  }

  @AfterEach
  void close() throws JMSException {
    node.close();
  }

  @Test
  void aHeaderIsAPropertyWithANameThatJmsAllows() throws JMSException {
    Message message = JmsMessages.stamp(node.session.createMessage(), "id");

    assertThat(message.getStringProperty("idempotency_key")).isEqualTo("id");
    assertThat(READER.header(message, MessageIds.HEADER)).isEqualTo("id");
    assertThat(READER.header(message, "other")).isNull();
    assertThat(JmsMessages.propertyName("1-x.y")).isEqualTo("_-x.y".replaceAll("[-.]", "_"));
  }

  @Test
  void aBodyIsReadAndLeftForTheHandler() throws JMSException {
    BytesMessage sent = node.session.createBytesMessage();
    sent.writeBytes("body".getBytes(StandardCharsets.UTF_8));
    node.session.createProducer(node.queue).send(sent);
    node.session.commit();
    BytesMessage received = (BytesMessage) node.consumer.receive(5_000);

    assertThat(READER.payload(received)).isEqualTo("body".getBytes(StandardCharsets.UTF_8));
    assertThat(received.readByte()).isEqualTo((byte) 'b');
    assertThat(READER.payload(node.session.createTextMessage("text"))).isEqualTo("text");
    assertThat(READER.payload(node.session.createMessage())).isNull();
    Message map = node.session.createMapMessage();
    assertThat(READER.payload(map)).isSameAs(map);
  }

  @Test
  void nothingIsParkedInTheQueueThatItCameFrom() throws JMSException {
    node.session.createProducer(node.queue).send(node.session.createMessage());
    node.session.commit();
    Message received = node.consumer.receive(5_000);
    ParkedMessages parked = ParkedMessages.to(node.session.createQueue(node.queue.getQueueName()));

    assertThatThrownBy(
            () ->
                parked.park(
                    node.session,
                    received,
                    new ParkedMessages.Why(ParkReason.NO_KEY, "No key.", null)))
        .isInstanceOf(InvalidDestinationException.class)
        .hasMessageContainingAll(node.queue.getQueueName(), "No key.");
  }

  @Test
  void aStampIsNotReplaced() throws JMSException {
    Message message = JmsMessages.stampForArtemis(node.session.createMessage(), "id");

    assertThat(JmsMessages.stampForArtemis(message, "id")).isSameAs(message);
    assertThat(message.getStringProperty("_AMQ_DUPL_ID")).isEqualTo("id");
    assertThatThrownBy(() -> JmsMessages.stamp(message, "another"))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> JmsMessages.stamp(message, ""))
        .isInstanceOf(IllegalArgumentException.class);
    Message unsent = node.session.createMessage();
    assertThatThrownBy(() -> JmsMessages.stampForArtemis(unsent, "a\uD83D"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("half a surrogate pair");
    assertThat(unsent.propertyExists("idempotency_key")).isFalse();
  }

  @Test
  void aMessageThatIsSentAgainLivesNoLonger() throws JMSException {
    Message message = node.session.createMessage();
    long now = 1_000_000;

    assertThat(Resending.timeToLive(message, now)).as("no expiration").isZero();
    message.setJMSExpiration(now + 400);
    assertThat(Resending.timeToLive(message, now)).isEqualTo(400);
    assertThat(Resending.timeToLive(message, now + 399)).isEqualTo(1);
    assertThat(Resending.timeToLive(message, now + 9_000)).as("not 0: that is for ever").isOne();
  }

  @Test
  void theCorrelationIdIsAKeyByChoice() throws JMSException {
    Message message = node.session.createMessage();

    assertThat(JmsMessages.correlationId().of(message)).isInstanceOf(KeyLookup.Absent.class);
    message.setJMSCorrelationID("id");
    assertThat(JmsMessages.correlationId().of(message)).isEqualTo(new KeyLookup.Found("id"));
  }
}
