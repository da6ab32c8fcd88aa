package io.idem.servlet;

import io.idem.http.HttpRequestHead;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A request whose body is nobody's business. */
final class ServletRequestHead implements HttpRequestHead {

  private final HttpServletRequest request;
  private final CallerResolver callers;

  ServletRequestHead(HttpServletRequest request, CallerResolver callers) {
    this.request = request;
    this.callers = callers;
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
    return callers.resolve(request);
  }
}
