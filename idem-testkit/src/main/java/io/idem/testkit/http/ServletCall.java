package io.idem.testkit.http;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** For adapters on servlets: a request of the container, as the script sees it. */
public abstract class ServletCall implements ContractCall {

  private final HttpServletRequest request;

  /**
   * A request.
   *
   * @param request as the handler was given it
   */
  protected ServletCall(HttpServletRequest request) {
    this.request = request;
  }

  @Override
  public @Nullable String header(String name) {
    return request.getHeader(name);
  }

  @Override
  public byte[] body() {
    try {
      return request.getInputStream().readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<String> field(String name) {
    String[] values = request.getParameterValues(name);
    return values == null ? List.of() : List.of(values);
  }
}
