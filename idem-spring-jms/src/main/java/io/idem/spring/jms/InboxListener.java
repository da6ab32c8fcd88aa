package io.idem.spring.jms;

import io.idem.jms.InboxConsumer;
import io.idem.jms.ParkedMessages;
import io.idem.messaging.DeliveryDecision;
import io.idem.messaging.DeliveryParkedException;
import io.idem.messaging.Inbox;
import io.idem.messaging.ParkReason;
import io.idem.spring.ListenerCall;
import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageListener;
import jakarta.jms.Queue;
import jakarta.jms.Session;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.jms.listener.AbstractMessageListenerContainer;
import org.springframework.jms.listener.SessionAwareMessageListener;
import org.springframework.jms.listener.adapter.ListenerExecutionFailedException;

/**
 * Puts the inbox around the listener of a container, which commits the session when this returns
 * and rolls it back when this throws. Thread-safe, as far as the listener is.
 */
final class InboxListener implements SessionAwareMessageListener<Message> {

  private final SessionAwareMessageListener<Message> listener;
  private final AbstractMessageListenerContainer container;
  private final Supplier<Inbox<Message>> inbox;
  private final InboxSettings settings;
  private volatile @Nullable Queue againTo;

  InboxListener(
      AbstractMessageListenerContainer container,
      Supplier<Inbox<Message>> inbox,
      InboxSettings settings) {
    this.listener =
        listener(
            Objects.requireNonNull(container.getMessageListener(), "the container's listener"));
    this.container = container;
    this.inbox = inbox;
    this.settings = settings;
  }

  @Override
  public void onMessage(Message message, Session session) throws JMSException {
    ParkedMessages parked = settings.parked();
    ListenerCall call =
        new ListenerCall(
            received -> listener.onMessage((Message) received, session),
            ListenerExecutionFailedException.class);
    try {
      new InboxConsumer(
              session,
              againTo(session),
              inbox.get(),
              parked == null ? InboxListener::leave : parked)
          .waitForBusy(settings.waitForBusy())
          .settledByContainer()
          .consume(message, (fresh, attempt) -> call.proceed(fresh, attempt));
    } catch (Exception e) {
      throw unchecked(call.asThrown(e));
    }
  }

  /** What a container calls, as one kind. */
  @SuppressWarnings("unchecked") // a container gives its listener whatever it has received
  private static SessionAwareMessageListener<Message> listener(Object listener) {
    if (listener instanceof SessionAwareMessageListener<?> aware) {
      return (SessionAwareMessageListener<Message>) aware;
    }
    MessageListener plain = (MessageListener) listener;
    return (message, session) -> plain.onMessage(message);
  }

  private static RuntimeException unchecked(Exception thrown) throws JMSException {
    if (thrown instanceof JMSException ofTheSession) {
      throw ofTheSession; // the container takes it for a lost connection
    }
    return thrown instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException("A listener threw " + thrown.getMessage(), thrown);
  }

  private static void leave(Session session, Message message, ParkedMessages.Why why) {
    ParkReason reason = Objects.requireNonNull(why.reason(), "of a single message");
    throw new DeliveryParkedException(new DeliveryDecision.Park(reason, why.detail(), why.cause()));
  }

  /** Asked for once: some providers ask their server. */
  private Queue againTo(Session session) throws JMSException {
    Queue known = againTo;
    if (known == null) {
      known = resolve(session);
      againTo = known;
    }
    return known;
  }

  private Queue resolve(Session session) throws JMSException {
    String name = settings.againTo();
    if (name == null && container.getDestination() instanceof Queue queue) {
      return queue;
    }
    String queue =
        Objects.requireNonNull(name == null ? container.getDestinationName() : name, "a queue");
    return (Queue) container.getDestinationResolver().resolveDestinationName(session, queue, false);
  }
}
