package io.idem.servlet;

import io.idem.http.HttpEndpoint;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;

/**
 * Asks whether a request may be carried out, where the handler's own rules would be asked too late:
 * a repeat that is given a stored answer never comes to the handler. Thread-safe.
 */
@FunctionalInterface
public interface EndpointAuthorizer {

  /**
   * Decides about a request, first one or repeat, before its key is looked up. It is complete and
   * its key well-formed; nothing has run, and the key is not consumed.
   *
   * @param request the request; its body can be read, and still can be afterwards
   * @param endpoint the endpoint it is for
   * @return true to go on; false if the rest of the chain is to refuse it, which it is then handed
   *     to without a look-up and without protection: the authorizer sees to it that the handler
   *     does not run
   * @throws IOException to refuse the request, as everything else that is thrown: it leaves the
   *     filter unchanged
   * @throws ServletException to refuse the request
   */
  boolean authorize(HttpServletRequest request, HttpEndpoint endpoint)
      throws IOException, ServletException;

  /**
   * Whatever stands before the filter has authorized the request.
   *
   * @return an authorizer that objects to nothing
   */
  static EndpointAuthorizer none() {
    return (request, endpoint) -> true;
  }
}
