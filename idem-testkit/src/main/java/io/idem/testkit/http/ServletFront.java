package io.idem.testkit.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/** For adapters on servlets: what stands in front of the protection. */
public final class ServletFront extends HttpFilter {

  private static final long serialVersionUID = 1L;

  private final transient ContractScript script;

  /**
   * A filter.
   *
   * @param script says whom it refuses
   */
  public ServletFront(ContractScript script) {
    this.script = script;
  }

  @Override
  protected void doFilter(
      HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws IOException, ServletException {
    int refusal = script.refusal(request.getHeader("Authorization"));
    if (refusal == 0) {
      chain.doFilter(request, response);
    } else {
      response.setStatus(refusal);
    }
  }
}
