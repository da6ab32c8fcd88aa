package io.idem.spring;

import io.idem.http.HttpRequestHead;
import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerMapping;

/** A request that has come to Spring MVC. Its caller is the container's user principal. */
final class SpringRequestHead implements HttpRequestHead {

  private final HttpServletRequest request;

  SpringRequestHead(HttpServletRequest request) {
    this.request = request;
  }

  @Override
  public String method() {
    return request.getMethod();
  }

  @Override
  public String path() {
    return request.getRequestURI();
  }

  @Override
  public @Nullable String query() {
    return request.getQueryString();
  }

  @Override
  public List<String> headerLines(String name) {
    return Collections.list(request.getHeaders(name));
  }

  @Override
  public @Nullable String caller() {
    Principal principal = request.getUserPrincipal();
    return principal == null ? null : principal.getName();
  }

  /** As the handler mapping that leads to the handler has matched it. */
  @Override
  public @Nullable String pathVariable(String name) {
    return request.getAttribute(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE)
                instanceof Map<?, ?> variables
            && variables.get(name) instanceof String value
        ? value
        : null;
  }

  @Override
  public String contextPath() {
    return request.getContextPath();
  }
}
