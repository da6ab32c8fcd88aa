package io.idem.servlet;

import io.idem.http.HeaderField;
import io.idem.http.StoredResponse;
import io.idem.http.TokenIssuer;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;

/**
 * Issues operation tokens to clients that ask for them: {@code POST …?operation=orders.create}, or
 * with the parameter in a form. Every other method is answered 405.
 *
 * <p>It belongs behind authentication, and behind whatever guards the application's forms against
 * cross-site requests. Thread-safe.
 */
public final class TokenServlet extends HttpServlet {

  /** Where it is registered by default. */
  public static final String DEFAULT_PATH = "/idempotency/tokens";

  private static final long serialVersionUID = 1L;

  private final transient TokenIssuer issuer;
  private final transient CallerResolver callers;

  /**
   * A servlet.
   *
   * @param issuer issues the tokens
   * @param callers who asks; the same as for the filter
   */
  public TokenServlet(TokenIssuer issuer, CallerResolver callers) {
    this.issuer = issuer;
    this.callers = callers;
  }

  /** Says what is allowed to OPTIONS, and with 405 to every other method (RFC 9110, 15.5.6). */
  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (request.getMethod().equals("POST")) {
      doPost(request, response);
    } else {
      response.setHeader("Allow", "POST");
      if (!request.getMethod().equals("OPTIONS")) {
        response.sendError(HttpServletResponse.SC_METHOD_NOT_ALLOWED);
      }
    }
  }

  @Override
  protected void doPost(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    StoredResponse answer =
        issuer.answer(new ServletRequestHead(request, callers), request.getParameter("operation"));
    response.setStatus(answer.status());
    for (HeaderField header : answer.headers()) {
      response.setHeader(header.name(), header.value());
    }
    response.setContentLength(answer.body().length);
    response.getOutputStream().write(answer.body());
  }
}
