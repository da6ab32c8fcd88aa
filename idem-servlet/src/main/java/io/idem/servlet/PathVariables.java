package io.idem.servlet;

import jakarta.servlet.ServletRequest;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The variables of a request's path. An {@link EndpointResolver} that matches templates such as
 * {@code /orders/{number}} leaves them here, where an endpoint can have its key ({@link
 * io.idem.http.RequestValue.PathVariable}).
 */
public final class PathVariables {

  private static final String ATTRIBUTE = PathVariables.class.getName();

  private PathVariables() {}

  /**
   * Leaves the variables of a request.
   *
   * @param request the request
   * @param variables the value of each name, decoded; in place of those that were left before
   */
  public static void put(ServletRequest request, Map<String, String> variables) {
    if (variables.isEmpty()) {
      request.removeAttribute(ATTRIBUTE);
    } else {
      request.setAttribute(ATTRIBUTE, Map.copyOf(variables));
    }
  }

  /** A variable that was left, or null. */
  static @Nullable String get(ServletRequest request, String name) {
    return request.getAttribute(ATTRIBUTE) instanceof Map<?, ?> variables
        ? (String) variables.get(name)
        : null;
  }
}
