package io.idem.spring.rabbit;

import io.idem.core.Mode;
import io.idem.core.Operation;
import io.idem.messaging.Inbox;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.ListenerKeys;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.core.Message;
import org.springframework.beans.factory.BeanFactory;

/** The inboxes of one listener's container, one for each queue. Thread-safe. */
final class ListenerInbox {

  private static final String VARIABLE = "message";

  private final PayloadReader payloads;
  private final Consumer<Mode> modeCheck;
  private final BeanFactory beans;
  private final Map<String, Inbox<Message>> byQueue = new ConcurrentHashMap<>();
  private volatile @Nullable Made made;

  /** What the inboxes of all queues share. */
  private record Made(Operation<@Nullable Void> operation, ListenerKeys<Message> keys) {}

  /**
   * Creates one without inboxes.
   *
   * @param payloads makes payloads of messages, as for the listener
   * @param modeCheck refuses a mode that its container is not fit for
   * @param beans the beans that expressions may name
   */
  ListenerInbox(PayloadReader payloads, Consumer<Mode> modeCheck, BeanFactory beans) {
    this.payloads = payloads;
    this.modeCheck = modeCheck;
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
    return byQueue.computeIfAbsent(
        queue, name -> made.keys.apply(AmqpMessages.inbox(made.operation, name)).build());
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    Operation<@Nullable Void> operation =
        operations.build(method, operations.engine().operation(method.operation()));
    modeCheck.accept(operation.mode());
    made =
        new Made(
            operation,
            new ListenerKeys<>(
                method,
                AmqpMessages.reader(),
                VARIABLE,
                payloads::read,
                message ->
                    "a message of queue '"
                        + message.getMessageProperties().getConsumerQueue()
                        + "'",
                beans));
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    Class<?> returned = method.method().getReturnType();
    if (returned != void.class && returned != Void.class) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that answers with a "
              + returned.getSimpleName()
              + ". The answer is sent before the effect is committed, and a repeat, for which the"
              + " listener does not run, gets none.",
          "Return nothing. Send answers from an outbox, or by a listener of its own that is not"
              + " @Idempotent and calls an @Idempotent service.");
    }
    ListenerKeys.check(method, VARIABLE, beans);
  }
}
