package io.idem.spring.kafka;

import io.idem.core.Attempt;
import io.idem.spring.AttemptMethod;
import io.idem.spring.IdempotencySetupException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.Arrays;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.DirectFieldAccessor;
import org.springframework.core.MethodParameter;
import org.springframework.core.ResolvableType;
import org.springframework.kafka.listener.ContainerProperties;
import org.springframework.kafka.listener.DelegatingMessageListener;
import org.springframework.kafka.listener.adapter.BatchMessagingMessageListenerAdapter;
import org.springframework.kafka.listener.adapter.HandlerAdapter;
import org.springframework.kafka.listener.adapter.MessagingMessageListenerAdapter;
import org.springframework.kafka.support.converter.RecordMessageConverter;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/** Gives a listener the attempt that it asks for. */
final class ListenerAttempt {

  private ListenerAttempt() {}

  /** Before there is advice around what the container calls. */
  static void give(ContainerProperties container, Method listener) {
    Object called = container.getMessageListener();
    while (called instanceof DelegatingMessageListener<?> around) {
      called = around.getDelegate();
    }
    if (called instanceof BatchMessagingMessageListenerAdapter) {
      throw AttemptMethod.ofBatch(listener);
    }
    if (called instanceof MessagingMessageListenerAdapter<?, ?> adapter) {
      DirectFieldAccessor fields = new DirectFieldAccessor(adapter);
      // What the container calls can be read in no other way.
      if (fields.getPropertyValue("handlerMethod.invokerHandlerMethod")
          instanceof InvocableHandlerMethod method) {
        adapter.setHandlerMethod(new HandlerAdapter(new AttemptMethod(method)));
        if (Attempt.class.equals(fields.getPropertyValue("inferredType"))
            && fields.getPropertyValue("messageConverter") instanceof RecordMessageConverter to) {
          adapter.setMessageConverter(new PayloadConverter(to, payloadOf(listener)));
        }
        return;
      }
    }
    throw new IdempotencySetupException(
        listener + " asks for an Attempt, and is called by an adapter of its endpoint's own.",
        "Leave it away: CurrentAttempt.get() gives it.");
  }

  /** The first parameter that is a payload, whatever it stands behind. */
  private static Type payloadOf(Method listener) {
    return Arrays.stream(listener.getParameters())
        .filter(parameter -> parameter.getAnnotations().length == 0)
        .filter(parameter -> !isFilledIn(parameter.getType()))
        .findFirst()
        .map(MethodParameter::forParameter)
        .map(ResolvableType::forMethodParameter)
        .map(type -> Message.class == type.resolve() ? type.getGeneric() : type)
        .map(type -> type.resolve() == null ? Object.class : type.getType())
        .orElse(Object.class);
  }

  private static boolean isFilledIn(Class<?> type) {
    return type == Attempt.class
        || type.getName().startsWith("org.apache.kafka.")
        || type.getName().startsWith("org.springframework.kafka.");
  }

  /** Reads payloads for an adapter that takes the attempt for one. */
  private record PayloadConverter(RecordMessageConverter converter, Type payload)
      implements RecordMessageConverter {

    @Override
    public Message<?> toMessage(
        ConsumerRecord<?, ?> record,
        @Nullable Object acknowledgment,
        @Nullable Object consumer,
        @Nullable Type type) {
      return converter.toMessage(record, acknowledgment, consumer, payload);
    }

    @Override
    public ProducerRecord<?, ?> fromMessage(Message<?> message, @Nullable String defaultTopic) {
      return converter.fromMessage(message, defaultTopic);
    }
  }
}
