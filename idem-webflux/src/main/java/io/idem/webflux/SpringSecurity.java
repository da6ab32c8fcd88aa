package io.idem.webflux;

import java.security.Principal;

/** Tells types of Spring Security by their names, as it need not be there. */
final class SpringSecurity {

  private static final String PACKAGE = "org.springframework.security.";
  private static final String ANONYMOUS = PACKAGE + "authentication.AnonymousAuthenticationToken";

  private SpringSecurity() {}

  /** Whether a principal stands for whoever has not logged in, which is everybody. */
  static boolean isAnonymous(Principal principal) {
    return anyClass(principal, ANONYMOUS);
  }

  /**
   * Whether an exception is one of Spring Security's, or a subclass that an application has made.
   */
  static boolean isItsOwn(Throwable thrown) {
    return anyClass(thrown, PACKAGE);
  }

  private static boolean anyClass(Object object, String prefix) {
    for (Class<?> type = object.getClass(); type != null; type = type.getSuperclass()) {
      if (type.getName().startsWith(prefix)) {
        return true;
      }
    }
    return false;
  }
}
