package io.idem.spring.kafka;

import io.idem.core.Operation;
import io.idem.core.store.Fingerprint;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.Inbox;
import io.idem.messaging.KeyLookup;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.Idempotent;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.MessageExpression;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.kafka.support.Acknowledgment;

/** The inbox of one listener's container, made when its operation is known. Thread-safe. */
final class ListenerInbox {

  private static final Set<String> VARIABLES = Set.of("record", "payload");

  private static final Logger log = LoggerFactory.getLogger("io.idem.kafka");

  private final String group;
  private final BeanFactory beans;
  private volatile @Nullable Inbox<ConsumerRecord<?, ?>> inbox;

  ListenerInbox(String group, BeanFactory beans) {
    this.group = group;
    this.beans = beans;
  }

  /** Without an inbox nothing runs. */
  Inbox<ConsumerRecord<?, ?>> get() {
    Inbox<ConsumerRecord<?, ?>> made = inbox;
    if (made == null) {
      throw new IllegalStateException(
          "An @Idempotent listener of group '"
              + group
              + "' was given records before the application had started");
    }
    return made;
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    if (inbox != null) {
      throw new IdempotencySetupException(
          "Two beans inherit the @Idempotent listener "
              + method
              + ", so that nobody knows whose"
              + " operation is meant.",
          "Override the method in each of them, with annotations of its own.");
    }
    Operation<@Nullable Void> operation =
        operations.build(method, operations.engine().operation(method.operation()));
    Inbox.Builder<ConsumerRecord<?, ?>> builder =
        Inbox.<ConsumerRecord<?, ?>>builder(operation, KafkaMessages.reader())
            .consumerGroup(group)
            .inOrderOf(KafkaMessages::partitionOf)
            .key(key(method, beans));
    String fingerprint = method.annotation().fingerprint();
    if (!fingerprint.isEmpty()) {
      MessageExpression expression = expression(method, "fingerprint", fingerprint, beans);
      builder.comparing(
          record -> {
            String text = expression.text(variables(record));
            return text == null || text.isEmpty() ? Fingerprint.NONE : Fingerprint.of(text);
          });
    }
    inbox = builder.build();
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    Idempotent annotation = method.annotation();
    if (!annotation.key().isEmpty() && method.header().isPresent()) {
      throw new IdempotencySetupException(
          method + " is a listener of messages with both a key and a header.",
          "Leave one of them, or read the header in the expression of the key.");
    }
    Class<?> returned = method.method().getReturnType();
    if (CompletionStage.class.isAssignableFrom(returned)
        || Future.class.isAssignableFrom(returned)
        || returned.getName().startsWith("reactor.core.publisher.")) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that returns a "
              + returned.getSimpleName()
              + ", so that its work would go on after its effect was recorded.",
          "Wait for the work in the listener.");
    }
    if (Arrays.asList(method.method().getParameterTypes()).contains(Acknowledgment.class)) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages with a parameter of type Acknowledgment, which there is"
              + " none of: the container acknowledges what is done.",
          "Leave it away.");
    }
    key(method, beans);
  }

  private static MessageKey<ConsumerRecord<?, ?>> key(IdempotentMethod method, BeanFactory beans) {
    String key = method.annotation().key();
    if (key.isEmpty()) {
      return MessageKey.header(KafkaMessages.reader(), method.header().orElse(MessageIds.HEADER));
    }
    MessageExpression expression = expression(method, "key", key, beans);
    return record -> lookup(expression, record);
  }

  private static KeyLookup lookup(MessageExpression expression, ConsumerRecord<?, ?> record) {
    try {
      return MessageKey.lookup(expression.toString(), expression.text(variables(record)));
    } catch (RuntimeException e) {
      String problem = MessageExpression.problem(e);
      log.warn(
          "{} {}: the record at {}@{} is parked",
          expression,
          problem,
          KafkaMessages.partitionOf(record),
          record.offset());
      return new KeyLookup.Unusable(expression.toString(), problem, e);
    }
  }

  private static MessageExpression expression(
      IdempotentMethod method, String attribute, String text, BeanFactory beans) {
    return new MessageExpression(method, attribute, text, VARIABLES, beans);
  }

  private static Map<String, @Nullable Object> variables(ConsumerRecord<?, ?> record) {
    Map<String, @Nullable Object> variables = new HashMap<>();
    variables.put("record", record);
    variables.put("payload", record.value());
    return variables;
  }
}
