package io.idem.spring;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import org.aopalliance.intercept.MethodInterceptor;
import org.jspecify.annotations.Nullable;
import org.springframework.aop.framework.ProxyFactory;
import org.springframework.aop.support.AopUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.core.annotation.AnnotatedElementUtils;

/**
 * For brokers whose listener containers all come out of a registry of Spring's, to which each
 * listener brings the factory of its own.
 */
public final class ListenerRegistry {

  private ListenerRegistry() {}

  /**
   * Puts something around every container factory that a registry is given.
   *
   * @param registry the registry
   * @param around makes a factory around one, and gives back any other argument as it is
   * @return the registry to use instead
   */
  public static Object around(Object registry, UnaryOperator<@Nullable Object> around) {
    ProxyFactory proxy = new ProxyFactory(registry);
    proxy.setProxyTargetClass(true);
    proxy.addAdvice(
        (MethodInterceptor)
            invocation -> {
              @Nullable Object[] arguments = invocation.getArguments();
              for (int i = 0; i < arguments.length; i++) {
                arguments[i] = around.apply(arguments[i]);
              }
              return invocation.proceed();
            });
    return proxy.getProxy(registry.getClass().getClassLoader());
  }

  /**
   * Refuses a choice between beans that nobody has made: Spring then gives none of them, as if
   * there were none. To be called where a listener was given none.
   *
   * @param beans the application's
   * @param type the type of which a listener needs one bean
   * @param listener the listener
   * @param fix how to choose one for it, as a sentence
   * @throws IdempotencySetupException if there are several; the message names them
   */
  public static void refuseSeveral(
      ListableBeanFactory beans, Class<?> type, Method listener, String fix) {
    String[] names = beans.getBeanNamesForType(type);
    if (names.length > 1) {
      Arrays.sort(names);
      throw new IdempotencySetupException(
          "The application has several beans of type "
              + type.getName()
              + ", and none of them is primary: "
              + String.join(", ", names)
              + ". None would be used for "
              + listener.getDeclaringClass().getName()
              + "."
              + listener.getName()
              + ".",
          fix);
    }
  }

  /**
   * The method behind a listener's endpoint, if it is {@link Idempotent}.
   *
   * @param method the method that the endpoint names; null if it names none
   * @param bean the bean that it calls; null if it calls none
   * @return the method as the bean's class has it, or null if it is not idempotent
   */
  public static @Nullable Method idempotent(@Nullable Method method, @Nullable Object bean) {
    if (method == null || bean == null) {
      return null;
    }
    Method specific = AopUtils.getMostSpecificMethod(method, AopUtils.getTargetClass(bean));
    return AnnotatedElementUtils.hasAnnotation(specific, Idempotent.class) ? specific : null;
  }
}
