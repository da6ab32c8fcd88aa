package io.idem.servlet;

import io.idem.http.HttpEndpoint;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Finds out how a request is protected. Thread-safe. */
@FunctionalInterface
public interface EndpointResolver {

  /**
   * Looks the endpoint up, without reading the body.
   *
   * @param request the request
   * @return its endpoint, the same object for every request to it, or null if it is not protected
   * @throws IOException if the look-up fails; nothing runs
   * @throws ServletException if the look-up fails; nothing runs
   */
  @Nullable HttpEndpoint resolve(HttpServletRequest request) throws IOException, ServletException;
}
