package io.idem.spring;

import io.idem.guard.StateMachine;
import io.idem.guard.UnsoundMachineException;
import java.lang.reflect.Method;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.AopProxyUtils;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.FactoryBean;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.beans.factory.config.BeanPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.annotation.AnnotationUtils;

/**
 * Looks at state machines and {@link GuardedTransition} methods before the application serves
 * anybody.
 *
 * <ol>
 *   <li>Refuses state machines that are beans and have flaws, used or not.
 *   <li>Finds the methods of all beans, by the beans' types.
 *   <li>Refuses those that no proxy can intercept, and beans that were made too early to get one.
 *   <li>Prepares the calls of each, which refuses what cannot hold.
 * </ol>
 *
 * <p>The declared type of a bean that is made later, a lazy one for example, may not have its
 * methods. So such a bean is looked at once more when it is made.
 */
final class GuardStartup implements SmartInitializingSingleton, BeanPostProcessor {

  private final GuardedTransitionInterceptor interceptor;
  private final ConfigurableListableBeanFactory beans;
  private final Interceptable interceptable;
  private final Set<String> madeLater = ConcurrentHashMap.newKeySet();
  private volatile boolean started;

  GuardStartup(GuardedTransitionInterceptor interceptor, ConfigurableListableBeanFactory beans) {
    this.interceptor = interceptor;
    this.beans = beans;
    this.interceptable = new Interceptable("a @GuardedTransition", interceptor, beans);
  }

  @Override
  public void afterSingletonsInstantiated() {
    beans.getBeansOfType(StateMachine.class, false, true).forEach(GuardStartup::requireSound);
    for (String name : beans.getBeanNamesForType(Object.class)) {
      if (ScopedProxyUtils.isScopedTarget(name)) {
        continue; // its scoped proxy has the same methods and passes calls on to it
      }
      Class<?> type = AutoProxyUtils.determineTargetClass(beans, name);
      for (GuardedMethod method : methods(type)) {
        interceptable.require(name, method.method(), method.toString());
        interceptor.prepare(method);
      }
    }
    started = true;
  }

  @Override
  public Object postProcessAfterInitialization(Object bean, String name) {
    if (started && !(bean instanceof FactoryBean<?>) && madeLater.add(name)) {
      for (GuardedMethod method : methods(AopProxyUtils.ultimateTargetClass(bean))) {
        interceptable.require(name, bean, method.method(), method.toString());
        interceptor.prepare(method);
      }
    }
    return bean;
  }

  private static Collection<GuardedMethod> methods(@Nullable Class<?> type) {
    if (type == null || !AnnotationUtils.isCandidateClass(type, GuardedTransition.class)) {
      return List.of();
    }
    Map<Method, GuardedMethod> found =
        MethodIntrospector.selectMethods(
            type,
            (MethodIntrospector.MetadataLookup<@Nullable GuardedMethod>)
                method -> GuardedMethod.find(method, type));
    return found.values();
  }

  private static void requireSound(String name, StateMachine<?> machine) {
    try {
      machine.requireSound();
    } catch (UnsoundMachineException e) {
      throw new IdempotencySetupException("Of the bean '" + name + "': " + e.problem(), e.fix(), e);
    }
  }
}
