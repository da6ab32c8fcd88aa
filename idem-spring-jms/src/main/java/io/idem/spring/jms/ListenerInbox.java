package io.idem.spring.jms;

import io.idem.core.store.Fingerprint;
import io.idem.jms.JmsMessages;
import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.MessageExpression;
import jakarta.jms.BytesMessage;
import jakarta.jms.JMSException;
import jakarta.jms.JMSRuntimeException;
import jakarta.jms.Message;
import jakarta.jms.StreamMessage;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.jms.support.converter.MessageConverter;

/** The inbox of one listener's container. Thread-safe. */
final class ListenerInbox {

  private static final Set<String> VARIABLES = Set.of("message", "payload");

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
    if (inbox != null) {
      throw new IdempotencySetupException(
          "Two beans inherit the @Idempotent listener "
              + method
              + ", so that nobody knows whose operation is meant.",
          "Override the method in each of them, with annotations of its own.");
    }
    Inbox.Builder<Message> builder =
        JmsMessages.inbox(
                operations.build(method, operations.engine().operation(method.operation())),
                subscription)
            .key(key(method));
    String fingerprint = method.annotation().fingerprint();
    if (!fingerprint.isEmpty()) {
      MessageExpression expression = expression(method, "fingerprint", fingerprint, beans);
      boolean readsPayload = readsPayload(fingerprint);
      builder.comparing(
          message -> {
            String text = expression.text(variables(message, readsPayload));
            return text == null || text.isEmpty() ? Fingerprint.NONE : Fingerprint.of(text);
          });
    }
    inbox = builder.build();
  }

  private MessageKey<Message> key(IdempotentMethod method) {
    String key = method.annotation().key();
    if (key.isEmpty()) {
      return MessageKey.header(JmsMessages.reader(), method.header().orElse(MessageIds.HEADER));
    }
    MessageExpression expression = expression(method, "key", key, beans);
    boolean readsPayload = readsPayload(key);
    return message ->
        MessageKey.lookup("key expression", expression.text(variables(message, readsPayload)));
  }

  /** A payload that nobody asks for is not converted a second time. */
  private static boolean readsPayload(String expression) {
    return expression.contains("#payload");
  }

  private Map<String, @Nullable Object> variables(Message message, boolean withPayload) {
    Map<String, @Nullable Object> variables = new HashMap<>();
    variables.put("message", message);
    variables.put("payload", withPayload ? payload(message) : null);
    return variables;
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
    Idempotent annotation = method.annotation();
    boolean ofEndpoints =
        annotation.busyStatus() != 0
            || annotation.pathScope() != Idempotent.PathScope.DEFAULT
            || annotation.serverErrors() != Idempotent.ServerErrors.INHERIT
            || method.notOlderThan().isPresent();
    boolean ofCalls =
        annotation.comparing().length > 0
            || !annotation.keyFrom().isEmpty()
            || !annotation.source().isEmpty()
            || !annotation.sourceFrom().isEmpty()
            || !annotation.required();
    if (ofEndpoints || ofCalls) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages, but its @Idempotent has attributes of endpoints or of"
              + " calls: source, keyFrom, sourceFrom, comparing, required, pathScope, notOlderThan,"
              + " busyStatus or serverErrors.",
          "Leave them away. Its source is the queue, and a message without a key is parked: give"
              + " header, key and fingerprint.");
    }
    if (method.header().isPresent() && !annotation.key().isEmpty()) {
      throw new IdempotencySetupException(
          method + " is a listener of messages that has a key and a header.",
          "Leave one of them, or read the property in the key: #message.getStringProperty('…').");
    }
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
    if (!annotation.key().isEmpty()) {
      expression(method, "key", annotation.key(), beans);
    }
  }

  private static MessageExpression expression(
      IdempotentMethod method, String attribute, String text, BeanFactory beans) {
    return new MessageExpression(method, attribute, text, VARIABLES, beans);
  }
}
