package io.idem.spring;

import io.idem.http.HttpRequestHead;
import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

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

  @Override
  public String contextPath() {
    return request.getContextPath();
  }
}
