package io.idem.servlet;

import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import org.jspecify.annotations.Nullable;

/** Finds out who sends a request. Thread-safe. */
@FunctionalInterface
public interface CallerResolver {

  /**
   * Names the caller: the principal, not the credential, so that a refreshed token is the same
   * caller.
   *
   * @param request the request, after authentication
   * @return the caller, or null if it is not known
   */
  @Nullable String resolve(HttpServletRequest request);

  /**
   * The name of the container's user principal.
   *
   * @return the resolver
   */
  static CallerResolver userPrincipal() {
    return request -> {
      Principal principal = request.getUserPrincipal();
      return principal == null ? null : principal.getName();
    };
  }
}
