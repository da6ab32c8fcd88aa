package io.idem.spring;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsProcessor;
import org.springframework.web.cors.CorsUtils;
import org.springframework.web.cors.DefaultCorsProcessor;

/**
 * Applies what Spring MVC is told of CORS ({@code @CrossOrigin}, {@code addCorsMappings}) to
 * protected endpoints before the idempotency filter, so that a browser can read replays and
 * refusals, which never reach the dispatcher servlet. Spring MVC leaves alone what is there
 * already. Thread-safe.
 */
public final class EndpointCorsFilter implements Filter {

  private final WebEndpoints endpoints;
  private final CorsProcessor processor = new DefaultCorsProcessor();

  /**
   * Creates the filter.
   *
   * @param endpoints which requests are protected
   */
  public EndpointCorsFilter(WebEndpoints endpoints) {
    this.endpoints = endpoints;
  }

  @Override
  public void doFilter(ServletRequest request, ServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    if (request instanceof HttpServletRequest httpRequest
        && response instanceof HttpServletResponse httpResponse
        && CorsUtils.isCorsRequest(httpRequest)
        && !CorsUtils.isPreFlightRequest(httpRequest)) {
      CorsConfiguration cors = endpoints.corsOf(httpRequest);
      if (cors != null && !processor.processRequest(cors, httpRequest, httpResponse)) {
        return;
      }
    }
    chain.doFilter(request, response);
  }
}
