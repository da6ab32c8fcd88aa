package io.idem.spring;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * Looks at every {@link Idempotent} method before the application serves anybody.
 *
 * <ol>
 *   <li>Finds the methods of all beans, by the beans' types.
 *   <li>Refuses those that no proxy can intercept, and beans that were made too early to get one.
 *   <li>Refuses two beans of one class whose operations are not named on purpose.
 *   <li>Prepares the operation of each service method, which refuses what cannot hold.
 *   <li>Hands endpoints and listeners of messages to what protects them, and refuses to leave them
 *       unprotected.
 * </ol>
 */
final class IdempotencyStartup implements SmartInitializingSingleton {

  /** What protects the listeners of an annotation. */
  private static final Map<String, String> MODULES =
      Map.of(
          "KafkaListener", "idem-spring-kafka",
          "RabbitListener", "idem-spring-rabbit",
          "JmsListener", "idem-spring-jms",
          "RocketMQMessageListener", "idem-spring-rocketmq");

  private final IdempotentMethods methods;
  private final IdempotentInterceptor interceptor;
  private final ConfigurableListableBeanFactory beans;

  IdempotencyStartup(
      IdempotentMethods methods,
      IdempotentInterceptor interceptor,
      ConfigurableListableBeanFactory beans) {
    this.methods = methods;
    this.interceptor = interceptor;
    this.beans = beans;
  }

  @Override
  public void afterSingletonsInstantiated() {
    Set<IdempotentMethod> endpoints = new LinkedHashSet<>();
    Set<IdempotentMethod> listeners = new LinkedHashSet<>();
    Map<IdempotentMethod, String> owners = new HashMap<>();
    Interceptable interceptable = new Interceptable("@Idempotent", interceptor, beans);
    for (String name : beans.getBeanNamesForType(Object.class)) {
      if (ScopedProxyUtils.isScopedTarget(name)) {
        continue; // its scoped proxy has the same methods and passes calls on to it
      }
      Class<?> type = AutoProxyUtils.determineTargetClass(beans, name);
      if (type == null || !AnnotationUtils.isCandidateClass(type, Idempotent.class)) {
        continue;
      }
      Map<Method, IdempotentMethod> found =
          MethodIntrospector.selectMethods(
              type,
              (MethodIntrospector.MetadataLookup<@Nullable IdempotentMethod>)
                  method -> methods.find(method, type));
      for (IdempotentMethod method : found.values()) {
        if (method.isEndpoint()) {
          endpoints.add(method);
        } else if (method.isListener()) {
          checkOwner(owners.put(method, name), name, method);
          listeners.add(method);
        } else {
          interceptable.require(name, method.method(), method.toString());
          checkOwner(owners.put(method, name), name, method);
          interceptor.prepare(method);
        }
      }
    }
    protect(endpoints);
    protectListeners(listeners);
  }

  /**
   * Refuses a second bean of a class: its calls would be answered with results of the first.
   * Instances of one bean are one.
   */
  private static void checkOwner(@Nullable String other, String name, IdempotentMethod method) {
    if (other != null && method.annotation().operation().isEmpty()) {
      throw new IdempotencySetupException(
          "The beans '"
              + other
              + "' and '"
              + name
              + "' are of one class and share the operation '"
              + method.operation()
              + "' of "
              + method
              + ", so that a key used with one would be answered with a result of the other.",
          "If they do different work, give each a class of its own (an empty subclass will do). If"
              + " a key means the same work whichever does it, or the key or source tells them"
              + " apart, as @Idempotent(source = \"#root.region\") does with a property of the"
              + " bean, say so by naming the operation: @Idempotent(operation = \""
              + method.operation()
              + "\").");
    }
  }

  private void protectListeners(Set<IdempotentMethod> listeners) {
    List<IdempotentListeners> protectors =
        beans.getBeanProvider(IdempotentListeners.class).orderedStream().toList();
    for (IdempotentListeners protector : protectors) {
      List<IdempotentMethod> taken =
          listeners.stream()
              .filter(
                  method -> method.listenerAnnotation().equals(Optional.of(protector.annotation())))
              .toList();
      protector.protect(taken);
      taken.forEach(listeners::remove);
    }
    if (!listeners.isEmpty()) {
      IdempotentMethod unprotected = listeners.iterator().next();
      throw new IdempotencySetupException(
          unprotected
              + " is an @Idempotent listener of messages, but nothing in this application protects"
              + " such listeners, so that it would run unprotected.",
          unprotected.listenerAnnotation().map(IdempotencyStartup::module).orElseThrow()
              + ", or move @Idempotent with a key to a service method that the listener calls.");
    }
  }

  /** What to do for listeners with an annotation. */
  private static String module(String annotation) {
    String name = annotation.substring(annotation.lastIndexOf('.') + 1);
    String module = MODULES.get(name);
    return module == null
        ? "Register beans of type IdempotentListeners for @" + name
        : "Add " + module + " for @" + name;
  }

  private void protect(Set<IdempotentMethod> endpoints) {
    List<IdempotentEndpoints> protectors =
        beans.getBeanProvider(IdempotentEndpoints.class).orderedStream().toList();
    if (!endpoints.isEmpty() && protectors.isEmpty()) {
      throw new IdempotencySetupException(
          endpoints.iterator().next()
              + " is an @Idempotent endpoint without key, but nothing in this application protects"
              + " HTTP endpoints, so that it would run unprotected.",
          "In a servlet application, use idem-spring-boot-starter and leave idem.http enabled; with"
              + " WebFlux, add idem-webflux to it; else move @Idempotent with a key to the service"
              + " method.");
    }
    for (IdempotentEndpoints protector : protectors) {
      protector.protect(new ArrayList<>(endpoints));
    }
  }
}
