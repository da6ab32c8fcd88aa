package io.idem.servlet;

import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;

/** What a request tells in an asynchronous dispatch of where it came from (Servlet 6.1, 9.7.2). */
final class AsyncAttributes {

  private static final List<String> NAMES =
      List.of(
          AsyncContext.ASYNC_REQUEST_URI,
          AsyncContext.ASYNC_CONTEXT_PATH,
          AsyncContext.ASYNC_SERVLET_PATH,
          AsyncContext.ASYNC_PATH_INFO,
          AsyncContext.ASYNC_QUERY_STRING,
          AsyncContext.ASYNC_MAPPING);

  private AsyncAttributes() {}

  /** Sets them, unless an earlier dispatch has. */
  static void set(HttpServletRequest request) {
    if (request.getAttribute(AsyncContext.ASYNC_REQUEST_URI) == null) {
      request.setAttribute(AsyncContext.ASYNC_REQUEST_URI, request.getRequestURI());
      request.setAttribute(AsyncContext.ASYNC_CONTEXT_PATH, request.getContextPath());
      request.setAttribute(AsyncContext.ASYNC_SERVLET_PATH, request.getServletPath());
      request.setAttribute(AsyncContext.ASYNC_PATH_INFO, request.getPathInfo());
      request.setAttribute(AsyncContext.ASYNC_QUERY_STRING, request.getQueryString());
      request.setAttribute(AsyncContext.ASYNC_MAPPING, request.getHttpServletMapping());
    }
  }

  /** Filters in front see a request that was handled at once. */
  static void remove(HttpServletRequest request) {
    NAMES.forEach(request::removeAttribute);
  }
}
