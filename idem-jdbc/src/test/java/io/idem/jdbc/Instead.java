package io.idem.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;

/**
 * What a method answers in the place of the real one.
 *
 * @param <T> what is stood in for
 */
@FunctionalInterface
interface Instead<T> {

  /** The answer to a method of this name; null if the target is to give it. */
  Object of(T target, String method) throws Throwable;

  /** An object that is asked so first. */
  static <T> T proxy(Class<T> type, T target, Instead<T> instead) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> {
              Object answer = instead.of(target, method.getName());
              try {
                return answer != null ? answer : method.invoke(target, args);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }
}
