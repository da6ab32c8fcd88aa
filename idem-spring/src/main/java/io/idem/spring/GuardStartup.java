package io.idem.spring;

import io.idem.guard.StateMachine;
import io.idem.guard.UnsoundMachineException;
import java.lang.reflect.Method;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.SmartInitializingSingleton;
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
 */
final class GuardStartup implements SmartInitializingSingleton {

  private final GuardedTransitionInterceptor interceptor;
  private final ConfigurableListableBeanFactory beans;

  GuardStartup(GuardedTransitionInterceptor interceptor, ConfigurableListableBeanFactory beans) {
    this.interceptor = interceptor;
    this.beans = beans;
  }

  @Override
  public void afterSingletonsInstantiated() {
    beans.getBeansOfType(StateMachine.class, false, true).forEach(GuardStartup::requireSound);
    Interceptable interceptable = new Interceptable("a @GuardedTransition", interceptor, beans);
    for (String name : beans.getBeanNamesForType(Object.class)) {
      if (ScopedProxyUtils.isScopedTarget(name)) {
        continue; // its scoped proxy has the same methods and passes calls on to it
      }
      Class<?> type = AutoProxyUtils.determineTargetClass(beans, name);
      if (type == null || !AnnotationUtils.isCandidateClass(type, GuardedTransition.class)) {
        continue;
      }
      Map<Method, GuardedMethod> found =
          MethodIntrospector.selectMethods(
              type,
              (MethodIntrospector.MetadataLookup<@Nullable GuardedMethod>)
                  method -> GuardedMethod.find(method, type));
      for (GuardedMethod method : found.values()) {
        interceptable.require(name, method.method(), method.toString());
        interceptor.prepare(method);
      }
    }
  }

  private static void requireSound(String name, StateMachine<?> machine) {
    try {
      machine.requireSound();
    } catch (UnsoundMachineException e) {
      throw new IdempotencySetupException("Of the bean '" + name + "': " + e.problem(), e.fix(), e);
    }
  }
}
