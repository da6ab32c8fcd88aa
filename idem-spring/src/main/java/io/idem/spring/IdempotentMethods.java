package io.idem.spring;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.format.annotation.DurationFormat.Unit;
import org.springframework.format.datetime.standard.DurationFormatterUtils;
import org.springframework.stereotype.Controller;
import org.springframework.util.ClassUtils;
import org.springframework.util.StringValueResolver;

/**
 * The methods of an application that carry {@link Idempotent}: finds the annotation of a method,
 * resolves its attributes, and makes sure that no two methods share an operation.
 *
 * <p>What guards endpoints asks it for the {@linkplain #find(Method, Class) attributes of a
 * handler}; what intercepts calls leaves {@linkplain IdempotentMethod#isEndpoint() endpoints}
 * alone. Thread-safe.
 */
public final class IdempotentMethods {

  /** By name, because the web module need not be there. */
  private static final List<String> HANDLER_ANNOTATIONS =
      List.of(
          "org.springframework.web.bind.annotation.RequestMapping",
          "org.springframework.web.service.annotation.HttpExchange");

  /** By name, for the same reason. */
  private static final List<String> LISTENER_ANNOTATIONS =
      List.of(
          "org.springframework.amqp.rabbit.annotation.RabbitListener",
          "org.springframework.jms.annotation.JmsListener",
          "org.springframework.kafka.annotation.KafkaListener");

  /** Annotations of classes, by name, and the method that is a listener then. */
  private static final Map<String, String> LISTENER_CLASS_ANNOTATIONS =
      Map.of("org.apache.rocketmq.spring.annotation.RocketMQMessageListener", "onMessage");

  private final ConcurrentHashMap<Place, Found> found = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, IdempotentMethod> operations = new ConcurrentHashMap<>();
  private final StringValueResolver placeholders;

  /**
   * Creates a registry.
   *
   * @param placeholders resolves {@code ${…}} in attributes
   */
  public IdempotentMethods(StringValueResolver placeholders) {
    this.placeholders = placeholders;
  }

  /**
   * The attributes of a method.
   *
   * @param method the method, of the class or of one of its interfaces
   * @param targetClass the class of the bean; that of a proxy is seen through
   * @return the attributes, or null for a method without the annotation
   * @throws IdempotencySetupException if an attribute cannot be read, or another method has the
   *     same operation
   */
  public @Nullable IdempotentMethod find(Method method, Class<?> targetClass) {
    Class<?> type = ClassUtils.getUserClass(targetClass);
    if (Proxy.isProxyClass(type) || type.isHidden()) {
      // A class made at run time has no stable name: what it implements has one.
      type = method.getDeclaringClass();
    }
    Method specific = AopUtils.getMostSpecificMethod(method, type);
    Place place = new Place(specific, type);
    Found known = found.get(place);
    if (known == null) {
      known = new Found(resolve(method, specific, type));
      found.put(place, known);
    }
    return known.method();
  }

  /**
   * All methods found until now: after start-up, those of all beans.
   *
   * @return a copy
   */
  public List<IdempotentMethod> all() {
    return List.copyOf(operations.values());
  }

  private @Nullable IdempotentMethod resolve(Method method, Method specific, Class<?> type) {
    Idempotent annotation = AnnotatedElementUtils.findMergedAnnotation(specific, Idempotent.class);
    if (annotation == null && !specific.equals(method)) {
      annotation = AnnotatedElementUtils.findMergedAnnotation(method, Idempotent.class);
    }
    if (annotation == null) {
      return null;
    }
    String where = IdempotentMethod.describe(type, specific);
    boolean handler = isHandler(specific, type);
    if (handler
        && !annotation.key().isEmpty()
        && annotation.header().isEmpty()
        && annotation.source().isEmpty()
        && annotation.caller() == Idempotent.Caller.AUTHENTICATED) {
      throw new IdempotencySetupException(
          where
              + " is a handler with @Idempotent(key = …) and no source, so that a caller who sends"
              + " another's key would be given the other's answer.",
          "Say whose keys they are, for example source = \"#principal.name\" with a parameter of"
              + " type java.security.Principal; or declare caller = SHARED if everybody may be"
              + " given everybody's answers.");
    }
    IdempotentMethod resolved =
        new IdempotentMethod(
            specific,
            type,
            annotation,
            operation(annotation, specific, type, where),
            annotation.key().isEmpty() && handler,
            listenerAnnotation(specific, type),
            text(where, "keySpace", annotation.keySpace()),
            text(where, "header", annotation.header()),
            text(where, "dialect", annotation.dialect()),
            text(where, "onAbandoned", annotation.onAbandoned()),
            duration(where, "retention", annotation.retention()),
            duration(where, "lease", annotation.lease()),
            duration(where, "waitAtMost", annotation.waitAtMost()),
            duration(where, "notOlderThan", annotation.notOlderThan()),
            duration(where, "retryAfter", annotation.retryAfter()));
    ListenerRules.check(resolved);
    if (!resolved.isEndpoint() && resolved.dialect().isPresent()) {
      throw new IdempotencySetupException(
          where
              + " has a dialect, which is how an endpoint speaks to its clients, and is no"
              + " endpoint.",
          "Leave the dialect away, or move it to the @Idempotent handler.");
    }
    IdempotentMethod other = operations.putIfAbsent(resolved.operation(), resolved);
    if (other != null && !(other.method().equals(specific) && other.targetClass().equals(type))) {
      throw new IdempotencySetupException(
          "The operation '"
              + resolved.operation()
              + "' belongs to both "
              + other
              + " and "
              + where
              + ", so that a key of one would be answered with a result of the other.",
          "Give one of them a name of its own with @Idempotent(operation = \"…\").");
    }
    return other != null ? other : resolved;
  }

  private String operation(Idempotent annotation, Method method, Class<?> type, String where) {
    String name = text(where, "operation", annotation.operation());
    if (name.isEmpty()) {
      if (type.getSimpleName().isEmpty()) {
        throw new IdempotencySetupException(
            where + " is @Idempotent, but its class has no name to make an operation's name of.",
            "Declare @Idempotent(operation = \"…\").");
      }
      name = type.getSimpleName() + "." + method.getName();
    }
    if (name.length() > 200) {
      throw new IdempotencySetupException(
          "The operation of " + where + " has " + name.length() + " characters, more than 200.",
          "Declare a shorter @Idempotent(operation = \"…\").");
    }
    return name;
  }

  private static @Nullable String listenerAnnotation(Method method, Class<?> type) {
    MergedAnnotations annotations = MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY);
    MergedAnnotations ofClass = MergedAnnotations.from(type, SearchStrategy.TYPE_HIERARCHY);
    return Stream.concat(
            LISTENER_ANNOTATIONS.stream().filter(annotations::isPresent),
            LISTENER_CLASS_ANNOTATIONS.entrySet().stream()
                .filter(listener -> listener.getValue().equals(method.getName()))
                .map(Map.Entry::getKey)
                .filter(ofClass::isPresent))
        .findFirst()
        .orElse(null);
  }

  private static boolean isHandler(Method method, Class<?> type) {
    if (!AnnotatedElementUtils.hasAnnotation(type, Controller.class)) {
      return false;
    }
    MergedAnnotations annotations = MergedAnnotations.from(method, SearchStrategy.TYPE_HIERARCHY);
    return HANDLER_ANNOTATIONS.stream().anyMatch(annotations::isPresent);
  }

  private String text(String where, String attribute, String written) {
    String resolved;
    try {
      resolved = placeholders.resolveStringValue(written);
    } catch (IllegalArgumentException e) {
      throw unresolved(where, attribute, written, e);
    }
    // Without a PropertySourcesPlaceholderConfigurer, Spring leaves what it cannot resolve.
    if (resolved != null && resolved.contains("${")) {
      throw unresolved(where, attribute, written, null);
    }
    return resolved == null ? "" : resolved.strip();
  }

  private static IdempotencySetupException unresolved(
      String where, String attribute, String written, @Nullable Exception cause) {
    return new IdempotencySetupException(
        "@Idempotent("
            + attribute
            + " = \""
            + written
            + "\") on "
            + where
            + " has a placeholder that cannot be resolved.",
        "Define the property, or give it a default with ${name:default}.",
        cause);
  }

  private @Nullable Duration duration(String where, String attribute, String written) {
    String text = text(where, attribute, written);
    if (text.isEmpty()) {
      return null;
    }
    try {
      return DurationFormatterUtils.detectAndParse(text, Unit.MILLIS);
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "@Idempotent("
              + attribute
              + " = \""
              + written
              + "\") on "
              + where
              + " is no duration: found '"
              + text
              + "'.",
          "Write a number with a unit, such as 30s, 24h or 7d, or ISO-8601, such as PT30S.",
          e);
    }
  }

  private record Place(Method method, Class<?> type) {}

  private record Found(@Nullable IdempotentMethod method) {}
}
