package io.idem.servlet;

import io.idem.http.HttpRequestHead;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a servlet request says before its body is read. */
class ServletRequestHead implements HttpRequestHead {

  final HttpServletRequest request;
  private final CallerResolver callers;

  ServletRequestHead(HttpServletRequest request, CallerResolver callers) {
    this.request = request;
    this.callers = callers;
  }

  @Override
  public final String method() {
    return request.getMethod();
  }

  @Override
  public final String path() {
    return request.getRequestURI();
  }

  @Override
  public final @Nullable String query() {
    return request.getQueryString();
  }

  @Override
  public final @Nullable String originalQuery() {
    return request.getAttribute(RequestDispatcher.FORWARD_QUERY_STRING) instanceof String query
        ? query
        : null;
  }

  @Override
  public final List<String> headerLines(String name) {
    Enumeration<String> lines = request.getHeaders(name);
    if (!lines.hasMoreElements()) {
      return List.of();
    }
    String first = lines.nextElement();
    if (!lines.hasMoreElements()) {
      return List.of(first);
    }
    List<String> all = new ArrayList<>();
    all.add(first);
    lines.asIterator().forEachRemaining(all::add);
    return all;
  }

  @Override
  public final @Nullable String caller() {
    return callers.resolve(request);
  }

  @Override
  public final @Nullable String pathVariable(String name) {
    return PathVariables.get(request, name);
  }

  @Override
  public final String contextPath() {
    return request.getContextPath();
  }
}
