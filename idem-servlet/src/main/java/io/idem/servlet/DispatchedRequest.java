package io.idem.servlet;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;

/**
 * A request in a dispatch that the container does not know to be one. Filters and handlers ask for
 * its type, to tell it from a forward of the application.
 */
final class DispatchedRequest extends HttpServletRequestWrapper {

  private final DispatcherType type;

  DispatchedRequest(HttpServletRequest request, DispatcherType type) {
    super(request);
    this.type = type;
  }

  @Override
  public DispatcherType getDispatcherType() {
    return type;
  }
}
