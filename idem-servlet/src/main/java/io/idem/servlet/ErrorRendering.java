package io.idem.servlet;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rendering of one error page into a captured response, with the attributes that the container
 * would give it (Servlet 6.1, section 10.9.1) and the dispatcher type of an error. A page that
 * fails, or that answers with another status, is left to the container: the status of the handler
 * decides about the key, and not that of a page, which a filter in front of it may have denied.
 */
final class ErrorRendering {

  private static final Logger log = LoggerFactory.getLogger("io.idem.servlet");

  private final HttpServletRequest request;
  private final CapturedResponse response;
  private final Map<String, @Nullable Object> before = new HashMap<>();

  ErrorRendering(HttpServletRequest request, CapturedResponse response) {
    this.request = request;
    this.response = response;
  }

  /**
   * Renders the page of the response's status, if there is one. It throws nothing: the handler has
   * come to its end, and what it did is neither undone nor unknown because its page fails.
   */
  void from(ErrorPages pages) {
    int status = response.getStatus();
    String path = null;
    try {
      path = pages.pathOf(status);
      if (path != null) {
        render(path, status);
      }
    } catch (Throwable e) {
      log.warn(
          "The error page{} failed: the container is left to render it",
          path == null ? " of status " + status : " at " + path,
          e);
    }
  }

  private void render(String path, int status) throws IOException, ServletException {
    RequestDispatcher dispatcher = request.getRequestDispatcher(path);
    if (dispatcher == null) {
      log.warn("There is no error page at {}: the container is left to render one", path);
      return;
    }
    String message = response.errorMessage();
    for (String name : Collections.list(request.getAttributeNames())) {
      before.put(name, request.getAttribute(name));
    }
    request.setAttribute(RequestDispatcher.ERROR_STATUS_CODE, status);
    request.setAttribute(RequestDispatcher.ERROR_MESSAGE, message == null ? "" : message);
    request.setAttribute(
        RequestDispatcher.ERROR_SERVLET_NAME, request.getHttpServletMapping().getServletName());
    request.setAttribute(RequestDispatcher.ERROR_REQUEST_URI, request.getRequestURI());
    request.setAttribute(RequestDispatcher.ERROR_METHOD, request.getMethod());
    request.setAttribute(RequestDispatcher.ERROR_QUERY_STRING, request.getQueryString());
    boolean rendered = false;
    response.beginErrorPage();
    try {
      dispatcher.forward(new DispatchedRequest(request, DispatcherType.ERROR), response);
      rendered = response.getStatus() == status && !response.isError();
      if (!rendered) {
        log.debug("The error page at {} has a status of its own: the container renders it", path);
      }
    } finally {
      if (!rendered) {
        response.giveErrorPageUp(status, message);
      }
      restoreAttributes();
    }
  }

  /** What filters around learn from the request, such as its route, is not that of the page. */
  private void restoreAttributes() {
    for (String name : Collections.list(request.getAttributeNames())) {
      if (!before.containsKey(name)) {
        request.removeAttribute(name);
      }
    }
    before.forEach(
        (name, value) -> {
          if (request.getAttribute(name) != value) {
            request.setAttribute(name, value);
          }
        });
  }
}
