package io.idem.spring.jms;

import io.idem.jms.JmsMessages;
import io.idem.messaging.Inbox;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.ListenerKeys;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.JMSRuntimeException;
import jakarta.jms.Message;
import jakarta.jms.StreamMessage;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.jms.support.converter.MessageConverter;

/** The inbox of one listener's container. Thread-safe. */
final class ListenerInbox {

  private static final String VARIABLE = "message";

  private final String subscription;
  private final MessageConverter converter;
  private final BeanFactory beans;
  private volatile @Nullable Inbox<Message> inbox;

  /**
   * Creates one without an inbox.
   *
   * @param subscription what the container consumes: a queue, or the subscription of a topic
   * @param converter makes payloads of messages, as for the listener
   * @param beans the beans that expressions may name
   */
  ListenerInbox(String subscription, MessageConverter converter, BeanFactory beans) {
    this.subscription = subscription;
    this.converter = converter;
    this.beans = beans;
  }

  /** Without an inbox nothing runs. */
  Inbox<Message> get() {
    Inbox<Message> made = inbox;
    if (made == null) {
      throw new IllegalStateException(
          "An @Idempotent listener of '"
              + subscription
              + "' was given a message before the application had started");
    }
    return made;
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    ListenerKeys<Message> keys =
        new ListenerKeys<>(
            method,
            JmsMessages.reader(),
            VARIABLE,
            this::payload,
            message -> "a message of '" + subscription + "'",
            beans);
    inbox =
        keys.apply(
                JmsMessages.inbox(
                    operations.build(method, operations.engine().operation(method.operation())),
                    subscription))
            .build();
  }

  private Object payload(Message message) {
    try {
      Object payload = converter.fromMessage(message);
      if (message instanceof BytesMessage bytes) {
        bytes.reset(); // for the listener
      } else if (message instanceof StreamMessage stream) {
        stream.reset();
      }
      return payload;
    } catch (JMSException e) {
      throw new JMSRuntimeException(
          "A message cannot be read: " + e.getMessage(), e.getErrorCode(), e);
    }
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    Class<?> returned = method.method().getReturnType();
    if (returned != void.class && returned != Void.class) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that answers with a "
              + returned.getSimpleName()
              + ". The session sends the answer after the effect is committed: a crash in between"
              + " would lose it, because the repeat does not run.",
          "Return nothing. Send answers from an outbox, or by a listener of its own that is not"
              + " @Idempotent and calls an @Idempotent service.");
    }
    ListenerKeys.check(method, VARIABLE, beans);
  }
}
