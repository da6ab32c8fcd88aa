package io.idem.spring;

import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A method that carries {@link Idempotent}, with its attributes resolved. Immutable and
 * thread-safe.
 */
public final class IdempotentMethod {

  private final Method method;
  private final Class<?> targetClass;
  private final Idempotent annotation;
  private final String operation;
  private final boolean endpoint;
  private final @Nullable String listenerAnnotation;
  private final String keySpace;
  private final String header;
  private final String dialect;
  private final String onAbandoned;
  private final @Nullable Duration retention;
  private final @Nullable Duration lease;
  private final @Nullable Duration waitAtMost;
  private final @Nullable Duration notOlderThan;
  private final @Nullable Duration retryAfter;

  IdempotentMethod(
      Method method,
      Class<?> targetClass,
      Idempotent annotation,
      String operation,
      boolean endpoint,
      @Nullable String listenerAnnotation,
      String keySpace,
      String header,
      String dialect,
      String onAbandoned,
      @Nullable Duration retention,
      @Nullable Duration lease,
      @Nullable Duration waitAtMost,
      @Nullable Duration notOlderThan,
      @Nullable Duration retryAfter) {
    this.method = method;
    this.targetClass = targetClass;
    this.annotation = annotation;
    this.operation = operation;
    this.endpoint = endpoint;
    this.listenerAnnotation = listenerAnnotation;
    this.keySpace = keySpace;
    this.header = header;
    this.dialect = dialect;
    this.onAbandoned = onAbandoned;
    this.retention = retention;
    this.lease = lease;
    this.waitAtMost = waitAtMost;
    this.notOlderThan = notOlderThan;
    this.retryAfter = retryAfter;
  }

  /**
   * The method, as the bean's class has it.
   *
   * @return the method
   */
  public Method method() {
    return method;
  }

  /**
   * The class of the bean, never a proxy's.
   *
   * @return the class
   */
  public Class<?> targetClass() {
    return targetClass;
  }

  /**
   * The attributes as they are written, those of an annotation it is placed on merged in. Where
   * this class has an accessor of the same name, that one gives the resolved value.
   *
   * @return the annotation
   */
  public Idempotent annotation() {
    return annotation;
  }

  /**
   * The operation's name.
   *
   * @return the name
   */
  public String operation() {
    return operation;
  }

  /**
   * Whether the method is a handler of a controller that leaves its key to the HTTP layer. Calls to
   * it are not intercepted.
   *
   * @return true for an endpoint
   */
  public boolean isEndpoint() {
    return endpoint;
  }

  /**
   * Whether the method is called by a container with the messages of a broker. Calls to it are not
   * intercepted: the container is.
   *
   * @return true for a listener
   */
  public boolean isListener() {
    return listenerAnnotation != null;
  }

  /**
   * The annotation that makes the method a listener.
   *
   * @return the name of its class, or nothing if the method is no listener
   */
  public Optional<String> listenerAnnotation() {
    return Optional.ofNullable(listenerAnnotation);
  }

  /**
   * The name of the key space that the method shares with others.
   *
   * @return the name, or nothing where the annotation names none
   */
  public Optional<String> keySpace() {
    return keySpace.isEmpty() ? Optional.empty() : Optional.of(keySpace);
  }

  /**
   * The name of the header that holds the key.
   *
   * @return the name, or nothing where the annotation names none
   */
  public Optional<String> header() {
    return header.isEmpty() ? Optional.empty() : Optional.of(header);
  }

  /**
   * The name of the dialect of an endpoint.
   *
   * @return the name, or nothing where the annotation names none
   */
  public Optional<String> dialect() {
    return dialect.isEmpty() ? Optional.empty() : Optional.of(dialect);
  }

  /**
   * {@code REFUSE}, {@code RETRY} or the name of a bean.
   *
   * @return the policy
   */
  public String onAbandoned() {
    return onAbandoned;
  }

  /**
   * How long an outcome is kept.
   *
   * @return the retention, or nothing for the default of the application
   */
  public Optional<Duration> retention() {
    return Optional.ofNullable(retention);
  }

  /**
   * How long a claim holds without renewal.
   *
   * @return the lease, or nothing for the default of the application
   */
  public Optional<Duration> lease() {
    return Optional.ofNullable(lease);
  }

  /**
   * How long a repeat waits.
   *
   * @return the bound, or nothing for the default of the application
   */
  public Optional<Duration> waitAtMost() {
    return Optional.ofNullable(waitAtMost);
  }

  /**
   * How long after its first attempt a request of an endpoint is admitted.
   *
   * @return the window, or nothing for the default of the application
   */
  public Optional<Duration> notOlderThan() {
    return Optional.ofNullable(notOlderThan);
  }

  /**
   * When a repeat that meets a running call is told to ask again.
   *
   * @return the time, or nothing for the default of the application
   */
  public Optional<Duration> retryAfter() {
    return Optional.ofNullable(retryAfter);
  }

  /** The method as a reader knows it: {@code PaymentService.pay(Order)}. */
  @Override
  public String toString() {
    return describe(targetClass, method);
  }

  static String describe(Class<?> type, Method method) {
    return type.getName()
        + "."
        + method.getName()
        + Arrays.stream(method.getParameterTypes())
            .map(Class::getSimpleName)
            .collect(Collectors.joining(", ", "(", ")"));
  }
}
