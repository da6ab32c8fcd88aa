package io.idem.spring;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.Advisor;
import org.springframework.aop.framework.Advised;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.FactoryBean;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;

/**
 * Whether calls of annotated methods reach what intercepts them.
 *
 * @param annotation how a message names the annotation
 * @param interceptor what has to be laid around the methods
 * @param beans the beans
 */
record Interceptable(
    String annotation, MethodInterceptor interceptor, ConfigurableListableBeanFactory beans) {

  /**
   * Refuses a method that no proxy can intercept, and one of a bean that was made too early to get
   * a proxy.
   *
   * @param name the bean's name
   * @param method the method, as the bean's class has it
   * @param where the method, as a reader knows it
   */
  void require(String name, Method method, String where) {
    require(name, made(name), method, where);
  }

  /**
   * Refuses as {@link #require(String, Method, String)} does.
   *
   * @param bean the bean as others are given it, or null if it has not been made
   */
  void require(String name, @Nullable Object bean, Method method, String where) {
    int modifiers = method.getModifiers();
    if (Modifier.isPrivate(modifiers) || Modifier.isStatic(modifiers)) {
      throw new IdempotencySetupException(
          where
              + " is "
              + annotation
              + ", but "
              + (Modifier.isPrivate(modifiers) ? "private" : "static")
              + ", so that no proxy can intercept it and it would run unprotected.",
          "Make it a public method of the bean, called from another bean.");
    }
    boolean implementsInterface = bean != null && AopUtils.isJdkDynamicProxy(bean);
    if (Modifier.isFinal(modifiers) && !implementsInterface) {
      throw new IdempotencySetupException(
          where
              + " is "
              + annotation
              + ", but final, so that no proxy can override it and it would run unprotected.",
          "Leave final away.");
    }
    if (bean == null || (AopUtils.isAopProxy(bean) && !(bean instanceof Advised))) {
      return;
    }
    if (!(bean instanceof Advised advised) || !isAdvised(advised)) {
      throw new IdempotencySetupException(
          "The bean '"
              + name
              + "' was made before beans could be intercepted, or by hand, so that "
              + where
              + " would run unprotected.",
          "See which BeanPostProcessor depends on it (Spring logs 'is not eligible for getting"
              + " processed by all BeanPostProcessors') and make that dependency lazy, or its @Bean"
              + " method static.");
    }
    if (implementsInterface && !isOnInterface(advised, method)) {
      throw new IdempotencySetupException(
          "The bean '"
              + name
              + "' is proxied by its interfaces, and none of them has "
              + where
              + ", so that nobody could call it but the bean itself, unprotected.",
          "Declare the method on an interface, or use @EnableIdempotency(proxyTargetClass = true).");
    }
  }

  /** The bean, if it has been made and is what its type says. */
  private @Nullable Object made(String name) {
    Object bean = beans.containsSingleton(name) ? beans.getSingleton(name) : null;
    return bean instanceof FactoryBean<?> ? null : bean;
  }

  private boolean isAdvised(Advised advised) {
    return Arrays.stream(advised.getAdvisors())
        .map(Advisor::getAdvice)
        .anyMatch(advice -> advice == interceptor);
  }

  private static boolean isOnInterface(Advised advised, Method method) {
    return Arrays.stream(advised.getProxiedInterfaces())
        .flatMap(type -> Arrays.stream(type.getMethods()))
        .anyMatch(
            declared ->
                declared.getName().equals(method.getName())
                    && AopUtils.getMostSpecificMethod(declared, method.getDeclaringClass())
                        .equals(method));
  }
}
