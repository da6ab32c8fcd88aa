package io.idem.spring;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.support.AopUtils;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.util.ClassUtils;

/**
 * A method that carries {@link GuardedTransition}.
 *
 * @param method the method, as the bean's class has it
 * @param targetClass the class of the bean, never a proxy's
 * @param annotation the annotation, one that it is placed on merged in
 */
record GuardedMethod(Method method, Class<?> targetClass, GuardedTransition annotation) {

  /**
   * What a method carries.
   *
   * @param method the method, of the class or of one of its interfaces
   * @param beanClass the class of the bean; that of a proxy is seen through
   * @return null for a method without the annotation
   */
  static @Nullable GuardedMethod find(Method method, Class<?> beanClass) {
    Class<?> type = ClassUtils.getUserClass(beanClass);
    if (Proxy.isProxyClass(type)) {
      type = method.getDeclaringClass();
    }
    Method specific = AopUtils.getMostSpecificMethod(method, type);
    GuardedTransition annotation =
        AnnotatedElementUtils.findMergedAnnotation(specific, GuardedTransition.class);
    if (annotation == null) {
      annotation = AnnotatedElementUtils.findMergedAnnotation(method, GuardedTransition.class);
    }
    return annotation == null ? null : new GuardedMethod(specific, type, annotation);
  }

  /** The method as a reader knows it: {@code Orders.pay(UUID)}. */
  @Override
  public String toString() {
    return IdempotentMethod.describe(targetClass, method);
  }
}
