package io.idem.spring.boot;

import java.lang.reflect.Method;
import org.jspecify.annotations.Nullable;

/**
 * Tells the audit how a message listener is protected that carries no {@code @Idempotent}, such as
 * by what surrounds all listeners of a container. A bean of this type is asked for each listener.
 * Thread-safe.
 */
@FunctionalInterface
public interface ListenerProtection {

  /**
   * How a listener is protected.
   *
   * @param listener the method that handles messages
   * @param beanType the class of its bean, never a proxy's
   * @return what protects it, for a reader; null if this does not
   */
  @Nullable String protectionOf(Method listener, Class<?> beanType);
}
