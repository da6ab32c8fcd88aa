package io.idem.spring;

import org.jspecify.annotations.Nullable;

/**
 * Who the current call of a service method is made for. Declared as a bean, it takes the place of
 * the caller of the current web request, for example where messages are what is handled.
 * Thread-safe.
 */
@FunctionalInterface
public interface CurrentCaller {

  /**
   * The caller's name: of the principal, not of its credential.
   *
   * @return the name, or null if the caller is not known
   */
  @Nullable String name();
}
