package io.idem.spring.boot;

import java.lang.annotation.Annotation;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.MergedAnnotation;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.util.ClassUtils;

/**
 * The message listeners among the beans, found by the names of annotations: none of the libraries
 * need be there. Thread-safe.
 */
final class MessageListeners {

  /** An annotation that makes listeners. */
  private record Mark(String broker, String annotation, List<String> sources, String handler) {}

  private static final List<Mark> MARKS =
      List.of(
          new Mark(
              "kafka",
              "org.springframework.kafka.annotation.KafkaListener",
              List.of("topics", "topicPattern"),
              "org.springframework.kafka.annotation.KafkaHandler"),
          new Mark(
              "rabbit",
              "org.springframework.amqp.rabbit.annotation.RabbitListener",
              List.of("queues", "queuesToDeclare", "bindings"),
              "org.springframework.amqp.rabbit.annotation.RabbitHandler"),
          new Mark(
              "jms", "org.springframework.jms.annotation.JmsListener", List.of("destination"), ""),
          new Mark(
              "rocketmq",
              "org.apache.rocketmq.spring.annotation.RocketMQMessageListener",
              List.of("topic"),
              "onMessage"),
          new Mark(
              "pulsar",
              "org.springframework.pulsar.annotation.PulsarListener",
              List.of("topics", "topicPattern"),
              ""),
          new Mark(
              "sqs",
              "io.awspring.cloud.sqs.annotation.SqsListener",
              List.of("value", "queueNames"),
              ""));

  private final ConfigurableListableBeanFactory beans;

  MessageListeners(ConfigurableListableBeanFactory beans) {
    this.beans = beans;
  }

  /**
   * A method that handles messages.
   *
   * @param name the broker, and what it listens to there
   */
  record Listener(String name, Method method, Class<?> type) {}

  /** All of them. */
  List<Listener> all() {
    List<Mark> present =
        MARKS.stream()
            .filter(mark -> ClassUtils.isPresent(mark.annotation(), beans.getBeanClassLoader()))
            .toList();
    List<Listener> found = new ArrayList<>();
    if (present.isEmpty()) {
      return found;
    }
    for (String bean : beans.getBeanNamesForType(Object.class, true, false)) {
      Class<?> type =
          ScopedProxyUtils.isScopedTarget(bean)
              ? null
              : AutoProxyUtils.determineTargetClass(beans, bean);
      if (type != null && !type.getName().startsWith("org.springframework.")) {
        Class<?> user = ClassUtils.getUserClass(type);
        present.forEach(mark -> found.addAll(listeners(mark, user)));
      }
    }
    return found;
  }

  private List<Listener> listeners(Mark mark, Class<?> type) {
    List<Listener> found = new ArrayList<>();
    Map<Method, String> marked =
        MethodIntrospector.selectMethods(
            type,
            (MethodIntrospector.MetadataLookup<String>)
                method ->
                    nameOf(mark, MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY)));
    marked.forEach((method, name) -> found.add(new Listener(name, method, type)));
    String name = nameOf(mark, MergedAnnotations.from(type, SearchStrategy.TYPE_HIERARCHY));
    if (name != null) {
      MethodIntrospector.selectMethods(type, (Method method) -> handles(mark, method))
          .forEach(method -> found.add(new Listener(name, method, type)));
    }
    return found;
  }

  /** Whether a method of a class that listens is the one that is called. */
  private static boolean handles(Mark mark, Method method) {
    return mark.handler().contains(".")
        ? MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY).isPresent(mark.handler())
        : method.getName().equals(mark.handler()) && !method.isBridge();
  }

  /** Null if there is no such annotation. */
  private @Nullable String nameOf(Mark mark, MergedAnnotations annotations) {
    List<String> names =
        annotations.stream(mark.annotation())
            .map(annotation -> mark.broker() + " " + sourcesOf(mark, annotation))
            .sorted()
            .toList();
    return names.isEmpty() ? null : String.join("; ", names);
  }

  private String sourcesOf(Mark mark, MergedAnnotation<Annotation> annotation) {
    Map<String, Object> attributes = new TreeMap<>(annotation.asMap());
    return mark.sources().stream()
        .flatMap(source -> Optional.ofNullable(attributes.get(source)).stream())
        .flatMap(value -> value instanceof Object[] several ? Stream.of(several) : Stream.of(value))
        .map(this::text)
        .filter(text -> !text.isEmpty())
        .collect(Collectors.joining(", "));
  }

  /** Of a nested annotation, such as a binding, what it says of itself. */
  private String text(Object value) {
    String text = String.valueOf(value);
    try {
      return String.valueOf(beans.resolveEmbeddedValue(text));
    } catch (IllegalArgumentException e) {
      return text; // a placeholder that only the broker's library resolves
    }
  }
}
