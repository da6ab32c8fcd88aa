package io.idem.spring;

import io.idem.http.KeySyntax;
import jakarta.servlet.http.HttpServletRequest;
import java.security.Principal;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/** Takes the key and the caller of a service method from the request it is called in. */
final class RequestKeys {

  private final IdempotentMethod method;
  private final KeySyntax syntax;

  RequestKeys(IdempotentMethod method, String header) {
    this.method = method;
    this.syntax = KeySyntax.DEFAULT.in(header);
  }

  /** The key, or null where the request has none. Quoted or bare, it is the same key. */
  @Nullable String key() {
    return syntax
        .parse(Collections.list(request().getHeaders(syntax.headerName())))
        .fold(
            KeySyntax.Key::value,
            missing -> null,
            malformed -> {
              throw new MalformedKeyException(malformed.detail() + " Nothing ran.");
            });
  }

  /** The authenticated caller. */
  String caller() {
    Principal principal = request().getUserPrincipal();
    if (principal == null || principal.getName() == null || principal.getName().isEmpty()) {
      throw new UnknownCallerException(
          method
              + " takes its key from a request, and keys that clients choose belong to the"
              + " authenticated caller, but the request has none. Authenticate it, name the caller"
              + " with @Idempotent(source = …), or declare caller = SHARED if everybody may be given"
              + " everybody's answers. Nothing ran");
    }
    return principal.getName();
  }

  private HttpServletRequest request() {
    if (RequestContextHolder.getRequestAttributes()
        instanceof ServletRequestAttributes attributes) {
      return attributes.getRequest();
    }
    throw new IllegalStateException(
        method
            + " takes its key from the header '"
            + syntax.headerName()
            + "', but was called outside of a web request. Declare @Idempotent(key = …) over its"
            + " parameters. Nothing ran");
  }
}
