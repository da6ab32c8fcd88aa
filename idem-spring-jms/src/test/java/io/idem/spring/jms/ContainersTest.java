package io.idem.spring.jms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.idem.core.Idempotency;
import io.idem.core.InMemoryStore;
import io.idem.jms.JmsMessages;
import io.idem.messaging.Inbox;
import io.idem.spring.IdempotencySetupException;
import jakarta.jms.Message;
import jakarta.jms.MessageListener;
import jakarta.jms.Session;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.jms.connection.JmsTransactionManager;
import org.springframework.jms.listener.DefaultMessageListenerContainer;

/** Which containers are given an inbox. */
class ContainersTest {

  private final Idempotency engine = Idempotency.builder().store(new InMemoryStore()).build();
  private final Inbox<Message> inbox = JmsMessages.inbox(engine, "orders", "orders").build();

  @AfterEach
  void close() {
    engine.close();
  }

  @Test
  void aTransactedSessionAndOneThatTheContainerAcknowledgesAreProtected() {
    assertProtected(container -> container.setSessionTransacted(true), InboxSettings.defaults());
    assertProtected(
        container -> container.setSessionAcknowledgeMode(Session.CLIENT_ACKNOWLEDGE),
        InboxSettings.defaults());
  }

  @Test
  void aSessionThatAcknowledgesByItselfIsRefused() {
    for (int mode : new int[] {Session.AUTO_ACKNOWLEDGE, Session.DUPS_OK_ACKNOWLEDGE}) {
      assertRefused(container -> container.setSessionAcknowledgeMode(mode), "by themselves");
    }
  }

  @Test
  void aListenerThatAcknowledgesByItselfIsRefused() {
    assertRefused(
        container -> {
          container.setSessionAcknowledgeMode(Session.CLIENT_ACKNOWLEDGE);
          container.setAcknowledgeAfterListener(false);
        },
        "too early");
  }

  @Test
  void aTransactionManagerIsRefused() {
    assertRefused(
        container -> {
          container.setSessionTransacted(true);
          container.setTransactionManager(new JmsTransactionManager());
        },
        "transaction manager");
  }

  @Test
  void aTopicNeedsASubscriptionAndAQueueForBusyMessages() {
    Consumer<DefaultMessageListenerContainer> topic =
        container -> {
          container.setSessionTransacted(true);
          container.setPubSubDomain(true);
        };
    Consumer<DefaultMessageListenerContainer> shared =
        topic.andThen(container -> container.setSubscriptionShared(true));

    assertRefused(topic, "without a subscription");
    assertRefused(shared, "every subscriber");
    assertProtected(shared, InboxSettings.defaults().sendAgainTo("orders::booking"));
  }

  @Test
  void theQueueItselfIsNoPlaceToPark() {
    Consumer<DefaultMessageListenerContainer> queue =
        container -> container.setSessionTransacted(true);

    assertRefused(queue, InboxSettings.defaults().parkTo("orders"), "parks in that queue itself");
    assertProtected(queue, InboxSettings.defaults().parkTo("orders-parked"));
  }

  private void assertProtected(
      Consumer<DefaultMessageListenerContainer> setting, InboxSettings settings) {
    DefaultMessageListenerContainer container = container(setting);

    IdempotentJmsListeners.protect(container, inbox, settings);

    assertThat(container.getMessageListener()).isInstanceOf(InboxListener.class);
  }

  private void assertRefused(Consumer<DefaultMessageListenerContainer> setting, String why) {
    assertRefused(setting, InboxSettings.defaults(), why);
  }

  private void assertRefused(
      Consumer<DefaultMessageListenerContainer> setting, InboxSettings settings, String why) {
    DefaultMessageListenerContainer container = container(setting);
    assertThatThrownBy(() -> IdempotentJmsListeners.protect(container, inbox, settings))
        .isInstanceOf(IdempotencySetupException.class)
        .hasMessageContaining("'orders'")
        .hasMessageContaining(why);
  }

  private static DefaultMessageListenerContainer container(
      Consumer<DefaultMessageListenerContainer> setting) {
    DefaultMessageListenerContainer container = new DefaultMessageListenerContainer();
    container.setDestinationName("orders");
    container.setMessageListener((MessageListener) message -> {});
    setting.accept(container);
    return container;
  }
}
