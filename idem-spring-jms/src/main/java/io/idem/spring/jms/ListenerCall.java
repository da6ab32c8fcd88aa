package io.idem.spring.jms;

import jakarta.jms.JMSException;
import jakarta.jms.Message;
import jakarta.jms.MessageListener;
import jakarta.jms.Session;
import org.jspecify.annotations.Nullable;
import org.springframework.jms.listener.SessionAwareMessageListener;
import org.springframework.jms.listener.adapter.ListenerExecutionFailedException;

/**
 * The call of a listener, which may be made more than once. The engine is told what the method
 * threw, the container what it was wrapped in. Not thread-safe.
 */
final class ListenerCall {

  private final SessionAwareMessageListener<Message> listener;
  private final Session session;
  private @Nullable Exception wrapping;
  private @Nullable Exception wrapped;

  ListenerCall(SessionAwareMessageListener<Message> listener, Session session) {
    this.listener = listener;
    this.session = session;
  }

  /** What a container calls, as one kind. */
  @SuppressWarnings("unchecked") // a container gives its listener whatever it has received
  static SessionAwareMessageListener<Message> listener(Object listener) {
    if (listener instanceof SessionAwareMessageListener<?> aware) {
      return (SessionAwareMessageListener<Message>) aware;
    }
    MessageListener plain = (MessageListener) listener;
    return (message, session) -> plain.onMessage(message);
  }

  void proceed(Message message) throws Exception {
    try {
      listener.onMessage(message, session);
    } catch (ListenerExecutionFailedException e) {
      if (e.getCause() instanceof Exception cause) {
        wrapping = e;
        wrapped = cause;
        throw cause;
      }
      throw e;
    }
  }

  /** What the container is to be thrown for what came out of the inbox. */
  RuntimeException asThrown(Exception e) throws JMSException {
    Exception thrown = e == wrapped && wrapping != null ? wrapping : e;
    if (thrown instanceof JMSException ofTheSession) {
      throw ofTheSession; // the container takes it for a lost connection
    }
    return thrown instanceof RuntimeException unchecked
        ? unchecked
        : new IllegalStateException("A listener threw " + thrown.getMessage(), thrown);
  }
}
