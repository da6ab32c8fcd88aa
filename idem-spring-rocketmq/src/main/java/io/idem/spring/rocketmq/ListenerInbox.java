package io.idem.spring.rocketmq;

import io.idem.messaging.Inbox;
import io.idem.messaging.MessageIds;
import io.idem.messaging.MessageKey;
import io.idem.rocketmq.RocketMqMessages;
import io.idem.spring.IdempotencySetupException;
import io.idem.spring.IdempotentMethod;
import io.idem.spring.IdempotentOperations;
import io.idem.spring.ListenerKeys;
import java.nio.charset.Charset;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.spring.support.DefaultRocketMQListenerContainer;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.core.MethodParameter;
import org.springframework.messaging.converter.MessageConverter;
import org.springframework.messaging.converter.SmartMessageConverter;
import org.springframework.messaging.support.MessageBuilder;

/** The inbox of one listener's container. Thread-safe. */
final class ListenerInbox {

  private static final String VARIABLE = "message";

  private final DefaultRocketMQListenerContainer container;
  private final MethodParameter parameter;
  private final String group;
  private final BeanFactory beans;
  private volatile @Nullable Inbox<MessageExt> inbox;

  /**
   * Creates one without an inbox.
   *
   * @param container the container, whose converter makes payloads
   * @param parameter what the listener takes
   * @param group the consumer group, as the broker knows it
   * @param beans the beans that expressions may name
   */
  ListenerInbox(
      DefaultRocketMQListenerContainer container,
      MethodParameter parameter,
      String group,
      BeanFactory beans) {
    this.container = container;
    this.parameter = parameter;
    this.group = group;
    this.beans = beans;
  }

  /** Without an inbox nothing runs. */
  Inbox<MessageExt> get() {
    Inbox<MessageExt> made = inbox;
    if (made == null) {
      throw new IllegalStateException(
          "An @Idempotent listener of group '"
              + group
              + "' was given a message before the application had started");
    }
    return made;
  }

  void make(IdempotentMethod method, IdempotentOperations operations) {
    Inbox.Builder<MessageExt> begun =
        RocketMqMessages.inbox(
            operations.build(method, operations.engine().operation(method.operation())), group);
    ListenerKeys<MessageExt> keys =
        new ListenerKeys<>(
            method,
            RocketMqMessages.reader(),
            VARIABLE,
            this::payload,
            message -> "a message of topic '" + message.getTopic() + "'",
            beans);
    keys.apply(begun);
    if (method.annotation().key().isEmpty() && method.header().isEmpty()) {
      begun.key(
          MessageKey.<MessageExt>header(RocketMqMessages.reader(), MessageIds.HEADER)
              .or(RocketMqMessages.keys()));
    }
    inbox = begun.build();
  }

  /** As the container makes it for the listener. */
  private @Nullable Object payload(MessageExt message) {
    Class<?> type = parameter.getParameterType();
    if (type == MessageExt.class || type == Message.class) {
      return message;
    }
    String text = new String(message.getBody(), Charset.forName(container.getCharset()));
    if (type == String.class) {
      return text;
    }
    MessageConverter converter = container.getMessageConverter();
    org.springframework.messaging.Message<String> read = MessageBuilder.withPayload(text).build();
    return converter instanceof SmartMessageConverter smart
        ? smart.fromMessage(read, type, parameter)
        : converter.fromMessage(read, type);
  }

  /** Refuses what cannot hold for a listener. */
  static void check(IdempotentMethod method, BeanFactory beans) {
    Class<?> returned = method.method().getReturnType();
    if (returned != void.class) {
      throw new IdempotencySetupException(
          method
              + " is a listener of messages that replies with a "
              + returned.getSimpleName()
              + ". The reply is sent after the effect is committed: a crash in between would lose it,"
              + " because the repeat does not run.",
          "Implement RocketMQListener. Send answers from an outbox, or by a listener of its own that"
              + " is not @Idempotent and calls an @Idempotent service.");
    }
    ListenerKeys.check(method, VARIABLE, beans);
  }
}
