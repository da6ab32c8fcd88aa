package io.idem.spring;

import io.idem.core.AbandonedPolicy;
import io.idem.core.FailureMapping;
import io.idem.core.Idempotency;
import io.idem.core.Mode;
import io.idem.core.Operation;
import java.lang.reflect.Constructor;
import java.lang.reflect.Modifier;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.BeanUtils;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.NoSuchBeanDefinitionException;
import org.springframework.core.ResolvableType;
import org.springframework.util.ClassUtils;

/**
 * Makes the operations of {@link Idempotent} methods.
 *
 * <ol>
 *   <li>The attributes of the annotation, or the defaults of the application, become the
 *       operation's settings.
 *   <li>The engine says which mode the operation gets.
 *   <li>Where the method is {@code @Transactional} as well, the two are held against each other;
 *       what cannot hold is refused, and a transaction that Idem begins gets the method's isolation
 *       and timeout.
 * </ol>
 *
 * <p>Thread-safe. Looks beans up when they are first needed, so that it may itself be made before
 * them.
 */
public final class IdempotentOperations {

  static final boolean SPRING_TX =
      ClassUtils.isPresent(
          "org.springframework.transaction.interceptor.TransactionAttributeSource",
          IdempotentOperations.class.getClassLoader());

  private static final Logger log = LoggerFactory.getLogger("io.idem.spring");

  private static final Duration LISTENER_RETENTION = Duration.ofDays(14);

  private final BeanFactory beans;

  /**
   * Creates the maker.
   *
   * @param beans where the engine and what the annotations name are found
   */
  public IdempotentOperations(BeanFactory beans) {
    this.beans = beans;
  }

  /**
   * The engine of the application.
   *
   * @return the engine
   * @throws IdempotencySetupException if there is none, or more than one
   */
  public Idempotency engine() {
    try {
      return beans.getBean(Idempotency.class);
    } catch (NoSuchBeanDefinitionException e) {
      throw new IdempotencySetupException(
          "Methods are @Idempotent, but the application context has no single bean of type"
              + " io.idem.core.Idempotency.",
          "Declare one, made by Idempotency.builder(), mark one of several as @Primary, or use"
              + " idem-spring-boot-starter.",
          e);
    }
  }

  /**
   * Finishes an operation with the settings of a method.
   *
   * @param method the method
   * @param operation the operation, begun under the method's {@link IdempotentMethod#operation()
   *     name}; what the annotation has no attribute for may be set on it already
   * @param <T> the type of its result
   * @return the operation
   * @throws IdempotencySetupException if what the method asks for cannot hold
   */
  public <T extends @Nullable Object> Operation<T> build(
      IdempotentMethod method, Operation.Builder<T> operation) {
    try {
      Operation<T> built = configure(method, operation).build();
      if (built.mode() == Mode.TRANSACTIONAL) {
        warnOfLeased(method);
      }
      return SPRING_TX ? withTransactionRules(method, operation, built) : built;
    } catch (IdempotencySetupException e) {
      throw e;
    } catch (IllegalStateException | IllegalArgumentException e) {
      throw new IdempotencySetupException(
          method + " cannot be made idempotent. " + e.getMessage() + ".",
          method.annotation().mode() == Idempotent.Mode.TRANSACTIONAL
              ? "Change the attributes of its @Idempotent. The mode TRANSACTIONAL needs a DataSource"
                  + " with a transaction manager, and a store in it."
              : "Change the attributes of its @Idempotent.",
          e);
    }
  }

  /**
   * Whether a method that throws may take back what it has done until then, because it is
   * {@code @Transactional} as well. Code that manages transactions by itself is not seen.
   *
   * @param method the method
   * @return false if it says nothing about transactions
   */
  public boolean mayRollBack(IdempotentMethod method) {
    return SPRING_TX && !new TransactionRules(beans).isWithoutTransaction(method);
  }

  private <T extends @Nullable Object> Operation.Builder<T> configure(
      IdempotentMethod method, Operation.Builder<T> operation) {
    Idempotent annotation = method.annotation();
    IdempotencyDefaults defaults =
        beans.getBeanProvider(IdempotencyDefaults.class).getIfAvailable(IdempotencyDefaults::new);
    operation
        .retention(method.retention().orElseGet(() -> defaultRetention(method, defaults)))
        .lease(method.lease().orElse(defaults.lease()))
        .waitAtMost(method.waitAtMost().orElse(defaults.waitAtMost()))
        .onOtherFailure(annotation.onOtherFailure())
        .onStoreDown(annotation.storeDown())
        .onAbandoned(abandonedPolicy(method));
    method.keySpace().ifPresent(operation::keySpace);
    method.retryAfter().ifPresent(operation::retryAfter);
    switch (annotation.mode()) {
      case AUTO -> {}
      case TRANSACTIONAL -> operation.mode(Mode.TRANSACTIONAL);
      case LEASED -> operation.mode(Mode.LEASED);
    }
    for (Class<? extends Throwable> type : annotation.releaseOn()) {
      operation.releaseOn(type);
    }
    for (FailureMapping<?> mapping : failureMappings(method)) {
      operation.recordFailure(mapping);
    }
    return operation;
  }

  /**
   * No refusal, because an application may have another store in another environment. That a
   * transactional operation cannot fail open is refused by the engine.
   */
  private static void warnOfLeased(IdempotentMethod method) {
    List<String> unheard = new ArrayList<>();
    if (method.lease().isPresent()) {
      unheard.add("lease");
    }
    if (!method.onAbandoned().isEmpty() && !method.onAbandoned().equals("REFUSE")) {
      unheard.add("onAbandoned");
    }
    if (method.annotation().releaseOn().length > 0) {
      unheard.add("releaseOn");
    }
    if (!unheard.isEmpty()) {
      log.warn(
          "{} is @Idempotent with {}, which only leased operations heed, but its operation '{}' is"
              + " transactional here: a run that does not end is rolled back, and its key is free."
              + " Leave that away, or declare mode = LEASED if the effect is outside of this"
              + " database",
          method,
          String.join(", ", unheard),
          method.operation());
    }
  }

  /** A message comes back from a log or a dead-letter queue long after callers have given up. */
  private static Duration defaultRetention(IdempotentMethod method, IdempotencyDefaults defaults) {
    Duration retention = defaults.retention();
    return method.isListener() && retention.compareTo(LISTENER_RETENTION) < 0
        ? LISTENER_RETENTION
        : retention;
  }

  private <T extends @Nullable Object> Operation<T> withTransactionRules(
      IdempotentMethod method, Operation.Builder<T> operation, Operation<T> built) {
    TransactionRules rules = new TransactionRules(beans);
    if (built.mode() == Mode.LEASED) {
      rules.checkLeased(method);
      return built;
    }
    io.idem.core.store.TransactionalStore own = rules.storeFor(method);
    GuardBesideRecord.requireOneTransaction(method, beans);
    return own == null ? built : operation.transactional(own).build();
  }

  @SuppressWarnings("unchecked") // the hook's own type argument is held against the method's result
  private <T extends @Nullable Object> AbandonedPolicy<T> abandonedPolicy(IdempotentMethod method) {
    String policy = method.onAbandoned();
    if (policy.equals("REFUSE") || policy.isEmpty()) {
      return new AbandonedPolicy.Refuse<>();
    }
    if (policy.equals("RETRY")) {
      return new AbandonedPolicy.Retry<>();
    }
    AbandonedPolicy.RecoveryHook<?> hook;
    try {
      hook = beans.getBean(policy, AbandonedPolicy.RecoveryHook.class);
    } catch (org.springframework.beans.BeansException e) {
      throw new IdempotencySetupException(
          "@Idempotent(onAbandoned = \""
              + policy
              + "\") on "
              + method
              + " is neither REFUSE nor RETRY, and names no bean of type"
              + " AbandonedPolicy.RecoveryHook.",
          "Declare that bean, or use REFUSE or RETRY.",
          e);
    }
    ResolvableType found =
        ResolvableType.forClass(AbandonedPolicy.RecoveryHook.class, hook.getClass()).getGeneric(0);
    Class<?> recovered = found.resolve();
    if (method.isEndpoint()) {
      checkHookOfEndpoint(method, policy, recovered);
      return new AbandonedPolicy.Recover<>((AbandonedPolicy.RecoveryHook<T>) hook);
    }
    Class<?> wanted =
        ClassUtils.resolvePrimitiveIfNecessary(Returned.by(method).resultClass(method));
    if (recovered != null && wanted != Void.class && !wanted.isAssignableFrom(recovered)) {
      throw new IdempotencySetupException(
          "The recovery hook '"
              + policy
              + "' gives a "
              + recovered.getName()
              + ", but "
              + method
              + " returns a "
              + wanted.getName()
              + ".",
          "Let the hook implement RecoveryHook<" + wanted.getSimpleName() + ">.");
    }
    return new AbandonedPolicy.Recover<>((AbandonedPolicy.RecoveryHook<T>) hook);
  }

  /** By name, because the web module need not be there. */
  private static void checkHookOfEndpoint(
      IdempotentMethod method, String hook, @Nullable Class<?> recovered) {
    String outcome = "io.idem.http.HttpOutcome";
    if (recovered != null
        && Arrays.stream(ClassUtils.getAllInterfacesForClass(recovered))
            .noneMatch(type -> type.getName().equals(outcome))) {
      throw new IdempotencySetupException(
          "The recovery hook '"
              + hook
              + "' gives a "
              + recovered.getName()
              + ", but "
              + method
              + " is an endpoint, whose result is the response that repeats are given.",
          "Let the hook implement RecoveryHook<HttpOutcome>, and answer with"
              + " HttpOutcome.answered(status, headers, body).");
    }
  }

  /** Subclasses first: the engine takes the first mapping that fits. */
  private List<FailureMapping<?>> failureMappings(IdempotentMethod method) {
    List<Class<? extends Exception>> types =
        new ArrayList<>(List.of(method.annotation().recordFailures()));
    types.sort(Comparator.comparingInt((Class<?> type) -> depth(type)).reversed());
    List<FailureMapping<?>> mappings = new ArrayList<>();
    for (Class<? extends Exception> type : types) {
      if (Arrays.asList(method.annotation().releaseOn()).contains(type)) {
        throw new IdempotencySetupException(
            method + " both records and releases on " + type.getName() + ".",
            "Name it in recordFailures or in releaseOn, not in both.");
      }
      mappings.add(failureMapping(method, type));
    }
    return mappings;
  }

  private <E extends Exception> FailureMapping<?> failureMapping(
      IdempotentMethod method, Class<E> type) {
    List<FailureMapping<?>> declared =
        beans
            .<FailureMapping<?>>getBeanProvider(ResolvableType.forClass(FailureMapping.class))
            .orderedStream()
            .filter(mapping -> mapping.type().equals(type))
            .toList();
    if (declared.size() > 1) {
      throw new IdempotencySetupException(
          "There are "
              + declared.size()
              + " FailureMapping beans for "
              + type.getName()
              + ", which "
              + method
              + " records.",
          "Leave one of them.");
    }
    if (declared.size() == 1) {
      return declared.get(0);
    }
    Constructor<E> constructor = ClassUtils.getConstructorIfAvailable(type, String.class);
    if (constructor == null
        || Modifier.isAbstract(type.getModifiers())
        || !Modifier.isPublic(type.getModifiers())) {
      throw new IdempotencySetupException(
          method
              + " records "
              + type.getName()
              + ", which has no public constructor with a String, so that it could not be thrown"
              + " again.",
          "Add that constructor, or declare a bean of type FailureMapping<"
              + type.getSimpleName()
              + "> that says how the exception is stored and recreated.");
    }
    return FailureMapping.ofMessage(
        type.getName(), type, message -> BeanUtils.instantiateClass(constructor, message));
  }

  private static int depth(Class<?> type) {
    int depth = 0;
    for (Class<?> at = type; at != null; at = at.getSuperclass()) {
      depth++;
    }
    return depth;
  }
}
