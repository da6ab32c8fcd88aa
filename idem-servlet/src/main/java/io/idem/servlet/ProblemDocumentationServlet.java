package io.idem.servlet;

import io.idem.http.HttpIdempotency;
import io.idem.http.ProblemType;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;

/**
 * Serves what the type URIs of problems resolve to, as plain text.
 *
 * <p>It is registered under {@link HttpIdempotency#problemBase()} with {@code /*} behind, where
 * that base is a path of this application. It needs no authentication.
 */
public final class ProblemDocumentationServlet extends HttpServlet {

  private static final long serialVersionUID = 1L;

  /** Creates the servlet. */
  public ProblemDocumentationServlet() {
    // stateless
  }

  @Override
  protected void doGet(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    String path = request.getPathInfo();
    Optional<ProblemType> type =
        path == null || path.isEmpty() ? Optional.empty() : ProblemType.ofSlug(path.substring(1));
    if (type.isEmpty()) {
      response.sendError(HttpServletResponse.SC_NOT_FOUND);
      return;
    }
    ProblemType problem = type.get();
    byte[] text =
        (problem.title() + "\n\n" + problem.documentation()).getBytes(StandardCharsets.UTF_8);
    response.setContentType("text/plain;charset=UTF-8");
    response.setContentLength(text.length);
    response.getOutputStream().write(text);
  }
}
