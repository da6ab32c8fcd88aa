package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** Takes the key and the caller of a service method from the request it is called in. */
final class RequestKeys {

  private final IdempotentMethod method;
  private final String header;

  RequestKeys(IdempotentMethod method, String header) {
    this.method = method;
    this.header = header;
  }

  /** The key, or null where the request has none. */
  @Nullable String key() {
    List<String> lines = Collections.list(request().getHeaders(header));
    if (lines.isEmpty()) {
      return null;
    }
    if (lines.size() > 1) {
      throw new IllegalArgumentException(
          "The request has " + lines.size() + " headers '" + header + "', expected one. Nothing ran");
    }
    String key = unquoted(lines.get(0).strip());
    if (key.isEmpty()) {
      throw new IllegalArgumentException(
          "The header '" + header + "' of the request is empty or malformed. Nothing ran");
    }
    return key;
  }

  /** A quoted key and a bare one are the same. */
  private static String unquoted(String value) {
    return value;
  }

  /** The authenticated caller. */
  String caller() {
    Principal principal = request().getUserPrincipal();
    if (principal == null || principal.getName() == null || principal.getName().isEmpty()) {
      throw new IllegalStateException(
          method + " takes its key from a request, and keys that clients choose belong to the"
              + " authenticated caller, but the request has none. Authenticate it, name the caller"
              + " with @Idempotent(source = …), or declare caller = SHARED if everybody may be given"
              + " everybody's answers. Nothing ran");
    }
    return principal.getName();
  }

  private HttpServletRequest request() {
    if (RequestContextHolder.getRequestAttributes() instanceof ServletRequestAttributes attributes) {
      return attributes.getRequest();
    }
    throw new IllegalStateException(
        method + " takes its key from the header '" + header
            + "', but was called outside of a web request. Declare @Idempotent(key = …) over its"
            + " parameters. Nothing ran");
  }
}
