package io.idem.spring.kafka;

import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.kafka.KafkaMessages;
import io.idem.messaging.Inbox;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.ListenerKeys;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.kafka.support.Acknowledgment;
import org.springframework.kafka.support.ShareAcknowledgment;
import org.springframework.messaging.handler.annotation.SendTo;

/** The inbox of one listener's container, made when its operation is known. Thread-safe. */
final class ListenerInbox {

  private static final String VARIABLE = "record";

  private final String group;
  private final Consumer<Mode> modeCheck;
  private final BeanFactory beans;
  private volatile @Nullable Inbox<ConsumerRecord<?, ?>> inbox;
  private volatile boolean mayRollBack = true;

  /**
   * Creates one without an inbox.
   *
   * @param group the consumer group
   * @param modeCheck refuses a mode that its container is not fit for
   * @param beans the beans that expressions may name
   */
  ListenerInbox(String group, Consumer<Mode> modeCheck, BeanFactory beans) {
    this.group = group;
    this.modeCheck = modeCheck;
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

  /** Whether the listener's own transaction may take back what it did before it failed. */
  boolean mayRollBack() {
    return mayRollBack;
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    mayRollBack = operations.mayRollBack(method);
    Operation<@Nullable Void> operation =
        operations.build(method, operations.engine().operation(method.operation()));
    modeCheck.accept(operation.mode());
    ListenerKeys<ConsumerRecord<?, ?>> keys =
        new ListenerKeys<>(
            method,
            KafkaMessages.reader(),
            VARIABLE,
            ConsumerRecord::value,
            record -> "the record at " + KafkaMessages.partitionOf(record) + "@" + record.offset(),
            beans);
    inbox =
        keys.apply(
                Inbox.<ConsumerRecord<?, ?>>builder(operation, KafkaMessages.reader())
                    .consumerGroup(group)
                    .inOrderOf(KafkaMessages::partitionOf))
            .build();
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    List<Class<?>> parameters = Arrays.asList(method.method().getParameterTypes());
    for (Class<?> acknowledgment : List.of(Acknowledgment.class, ShareAcknowledgment.class)) {
      if (parameters.contains(acknowledgment)) {
        throw new IdempotencySetupException(
            method
                + " is a listener of messages with a parameter of type "
                + acknowledgment.getSimpleName()
                + ", which there is none of: the container acknowledges what is done.",
            "Leave it away.");
      }
    }
    if (AnnotatedElementUtils.hasAnnotation(method.method(), SendTo.class)
        || AnnotatedElementUtils.hasAnnotation(method.method().getDeclaringClass(), SendTo.class)) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages with @SendTo. The answer is sent before the effect is"
              + " committed, and a repeat, for which the listener does not run, gets none.",
          "Send answers from an outbox, or by a listener of its own that is not @Idempotent and"
              + " calls an @Idempotent service.");
    }
    ListenerKeys.check(method, VARIABLE, beans);
  }
}
