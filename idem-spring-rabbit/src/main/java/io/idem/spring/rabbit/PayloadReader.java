package io.idem.spring.rabbit;

import io.idem.core.Attempt;
import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.amqp.core.Message;
import org.springframework.amqp.core.MessageProperties;
import org.springframework.amqp.support.converter.MessageConverter;
import org.springframework.amqp.support.converter.SimpleMessageConverter;
import org.springframework.core.MethodParameter;
import org.springframework.core.ResolvableType;
import org.springframework.messaging.handler.annotation.Payload;

/** Reads the payload of a message as its listener gets it, for expressions over it. Thread-safe. */
final class PayloadReader {

  private final MessageConverter converter;
  private final @Nullable Type type;

  PayloadReader(Method listener, @Nullable MessageConverter converter) {
    this.converter = converter == null ? new SimpleMessageConverter() : converter;
    this.type = typeOf(listener);
  }

  /** The type that a converter infers if the message does not name one. */
  private static @Nullable Type typeOf(Method listener) {
    List<MethodParameter> parameters =
        Arrays.stream(listener.getParameters()).map(MethodParameter::forParameter).toList();
    return parameters.stream()
        .filter(parameter -> parameter.hasParameterAnnotation(Payload.class))
        .findFirst()
        .or(
            () ->
                parameters.stream()
                    .filter(parameter -> parameter.getParameterAnnotations().length == 0)
                    .filter(parameter -> !isInfrastructure(parameter.getParameterType()))
                    .findFirst())
        .map(parameter -> payload(ResolvableType.forMethodParameter(parameter)))
        .orElse(null);
  }

  private static boolean isInfrastructure(Class<?> type) {
    return type == Attempt.class
        || type.getName().startsWith("org.springframework.amqp.")
        || type.getName().startsWith("com.rabbitmq.client.");
  }

  /** What is in a list of a batch, or in a message of Spring's. */
  private static @Nullable Type payload(ResolvableType type) {
    Class<?> raw = type.resolve(Object.class);
    if (Collection.class.isAssignableFrom(raw)
        || org.springframework.messaging.Message.class.isAssignableFrom(raw)) {
      return payload(type.getGeneric());
    }
    return raw == Object.class || isInfrastructure(raw) ? null : type.getType();
  }

  Object read(Message message) {
    MessageProperties properties = message.getMessageProperties();
    Type inferred = properties.getInferredArgumentType();
    if (inferred == Attempt.class || (inferred == null && type != null)) {
      properties.setInferredArgumentType(type);
    }
    return converter.fromMessage(message);
  }

  /** The same, as the converter of a listener for which no type, or a wrong one, was inferred. */
  MessageConverter asConverter() {
    return new MessageConverter() {
      @Override
      public Object fromMessage(Message message) {
        return read(message);
      }

      @Override
      public Message toMessage(Object object, MessageProperties properties) {
        return converter.toMessage(object, properties);
      }
    };
  }
}
