package io.idem.spring.rabbit;

import io.idem.core.Operation;
import io.idem.core.store.Fingerprint;
import io.idem.messaging.Inbox;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.MessageExpression;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.amqp.core.Message;
import org.springframework.beans.factory.BeanFactory;

/** The inboxes of one listener's container, one for each queue. Thread-safe. */
final class ListenerInbox {

  private static final Set<String> VARIABLES = Set.of("message", "payload");

  private static final Logger log = LoggerFactory.getLogger("io.idem.rabbitmq");

  private final PayloadReader payloads;
  private final BeanFactory beans;
  private final Map<String, Inbox<Message>> byQueue = new ConcurrentHashMap<>();
  private volatile @Nullable Made made;

  /** What the inboxes of all queues share. */
  private record Made(
      Operation<@Nullable Void> operation,
      MessageKey<Message> key,
      @Nullable MessageExpression fingerprint,
      boolean fingerprintReadsPayload) {}

  ListenerInbox(PayloadReader payloads, BeanFactory beans) {
    this.payloads = payloads;
    this.beans = beans;
  }

  /** Without an inbox nothing runs. */
  Inbox<Message> of(String queue) {
    Made made = this.made;
    if (made == null) {
      throw new IllegalStateException(
          "An @Idempotent listener of queue '"
              + queue
              + "' was given messages before the application had started");
    }
    return byQueue.computeIfAbsent(queue, name -> inbox(made, name));
  }

  private Inbox<Message> inbox(Made made, String queue) {
    Inbox.Builder<Message> inbox = AmqpMessages.inbox(made.operation, queue).key(made.key);
    MessageExpression expression = made.fingerprint;
    if (expression != null) {
      inbox.comparing(
          message -> {
            String text = expression.text(variables(message, made.fingerprintReadsPayload));
            return text == null || text.isEmpty() ? Fingerprint.NONE : Fingerprint.of(text);
          });
    }
    return inbox.build();
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    if (made != null) {
      throw new IdempotencySetupException(
          "Two beans inherit the @Idempotent listener "
              + method
              + ", so that nobody knows whose operation is meant.",
          "Override the method in each of them, with annotations of its own.");
    }
    String fingerprint = method.annotation().fingerprint();
    made =
        new Made(
            operations.build(method, operations.engine().operation(method.operation())),
            key(method),
            fingerprint.isEmpty() ? null : expression(method, "fingerprint", fingerprint, beans),
            readsPayload(fingerprint));
  }

  private MessageKey<Message> key(IdempotentMethod method) {
    String key = method.annotation().key();
    if (key.isEmpty()) {
      return MessageKey.header(AmqpMessages.reader(), method.header().orElse(MessageIds.HEADER));
    }
    MessageExpression expression = expression(method, "key", key, beans);
    boolean readsPayload = readsPayload(key);
    return message -> lookup(expression, message, readsPayload);
  }

  private KeyLookup lookup(MessageExpression expression, Message message, boolean readsPayload) {
    try {
      return MessageKey.lookup(
          expression.toString(), expression.text(variables(message, readsPayload)));
    } catch (RuntimeException e) {
      String problem = MessageExpression.problem(e);
      log.warn(
          "{} {}: a message of queue '{}' is parked",
          expression,
          problem,
          message.getMessageProperties().getConsumerQueue());
      return new KeyLookup.Unusable(expression.toString(), problem, e);
    }
  }

  /** A payload that nobody asks for is not converted a second time. */
  private static boolean readsPayload(String expression) {
    return expression.contains("#payload");
  }

  private Map<String, @Nullable Object> variables(Message message, boolean withPayload) {
    Map<String, @Nullable Object> variables = new HashMap<>();
    variables.put("message", message);
    variables.put("payload", withPayload ? payloads.read(message) : null);
    return variables;
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    Idempotent annotation = method.annotation();
    if (method.header().isPresent() && !annotation.key().isEmpty()) {
      throw new IdempotencySetupException(
          method + " is a listener of messages that has a key and a header.",
          "Leave one of them, or read the header in the key: #message.messageProperties.headers.");
    }
    Class<?> returned = method.method().getReturnType();
    if (Future.class.isAssignableFrom(returned)
        || CompletionStage.class.isAssignableFrom(returned)
        || returned.getName().startsWith("reactor.core.publisher.")) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that goes on after it has returned a "
              + returned.getSimpleName()
              + ", when its effect would be recorded already.",
          "Wait for the work in the listener.");
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
