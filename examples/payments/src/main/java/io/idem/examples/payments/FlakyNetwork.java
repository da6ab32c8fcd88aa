package io.idem.examples.payments;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ValveBase;
import org.apache.coyote.ActionCode;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.http.HttpStatus;
import org.springframework.stereotype.Component;
import org.springframework.web.filter.OncePerRequestFilter;
import org.springframework.web.util.ContentCachingResponseWrapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Between the service and its clients, a network that fails on demand: a payment whose header
 * {@link NetworkFaults#HEADER} asks for it is delayed, or its connection is closed without an
 * answer although the payment was made. Nothing is simulated for the client, which has to live with
 * what it would see on a bad line. Requests without the header, and all to other paths, pass.
 *
 * <p>It stands in front of everything else, security and Idem included, and would have no place in
 * a real service.
 */
@Component
@Order(Ordered.HIGHEST_PRECEDENCE)
class FlakyNetwork extends OncePerRequestFilter {

  /** The request attribute that has what was asked for, for the service to be slow by. */
  static final String FAULTS = "payments.network-faults";

  private static final String DROPPED = "payments.answer-dropped";
  private static final String PATH = "/api/payments";

  private final JsonMapper json;

  FlakyNetwork(JsonMapper json) {
    this.json = json;
  }

  @Override
  protected boolean shouldNotFilter(HttpServletRequest request) {
    return request.getHeader(NetworkFaults.HEADER) == null
        || !request.getMethod().equals("POST")
        || !request.getRequestURI().equals(PATH);
  }

  @Override
  protected void doFilterInternal(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    NetworkFaults faults;
    try {
      faults = NetworkFaults.parse(request.getHeader(NetworkFaults.HEADER));
    } catch (IllegalArgumentException e) {
      ApiProblems.write(
          json,
          response,
          ApiProblems.problem(
              HttpStatus.BAD_REQUEST,
              "invalid-parameter",
              "Invalid parameter",
              String.valueOf(e.getMessage())));
      return;
    }
    request.setAttribute(FAULTS, faults);
    NetworkFaults.pause(faults.delayRequest());
    // Held back, flushes included: not a byte may be on its way when the connection is closed.
    ContentCachingResponseWrapper answer = new ContentCachingResponseWrapper(response);
    try {
      chain.doFilter(request, answer);
    } finally {
      NetworkFaults.pause(faults.delayAnswer());
      if (faults.dropAnswer()) {
        request.setAttribute(DROPPED, true);
      }
    }
    if (!faults.dropAnswer()) {
      answer.copyBodyToResponse();
    }
  }

  /** Closes the connection, which a filter cannot: whatever it does, the container answers. */
  @Component
  static class HangUp extends ValveBase
      implements WebServerFactoryCustomizer<TomcatServletWebServerFactory> {

    HangUp() {
      super(true);
    }

    @Override
    public void customize(TomcatServletWebServerFactory tomcat) {
      tomcat.addEngineValves(this);
    }

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
      try {
        getNext().invoke(request, response);
      } finally {
        if (request.getAttribute(DROPPED) != null) {
          response.getCoyoteResponse().action(ActionCode.CLOSE_NOW, null);
        }
      }
    }
  }
}
