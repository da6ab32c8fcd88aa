package io.idem.spring;

import io.idem.http.HttpIdempotency;
import io.idem.http.KeySyntax;
import io.idem.servlet.IdempotentExchange;
import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.BeanFactory;
import org.springframework.util.ClassUtils;
import org.springframework.web.context.request.RequestContextHolder;
import org.springframework.web.context.request.ServletRequestAttributes;

/**
 * Takes the key of a service method from the request it is called in. It is read as endpoints read
 * theirs: by the {@link KeySyntax} of the application. Thread-safe.
 */
final class RequestKeys {

  private static final boolean BEHIND_FILTER =
      ClassUtils.isPresent(
          "io.idem.servlet.IdempotentExchange", RequestKeys.class.getClassLoader());

  private final IdempotentMethod method;
  private final KeySyntax syntax;

  RequestKeys(IdempotentMethod method, String header, BeanFactory beans) {
    this.method = method;
    KeySyntax configured =
        beans.getBeanProvider(KeySyntax.class).getIfAvailable(() -> KeySyntax.DEFAULT);
    this.syntax = configured.in(header);
    HttpIdempotency protocol = beans.getBeanProvider(HttpIdempotency.class).getIfAvailable();
    if (protocol != null && protocol.refusesUnprotected(header)) {
      throw new IdempotencySetupException(
          method
              + " takes its key from the header '"
              + header
              + "', but requests with that header are refused where no endpoint is protected"
              + " (idem.http.unprotected-keys = refuse), so that the method would not be reached.",
          "Flag such requests instead, put @Idempotent on the handler, or use another header.");
    }
  }

  /** The key, or null where the request has none. Quoted or bare, it is the same key. */
  @Nullable String key() {
    HttpServletRequest request = request();
    return syntax
        .parse(Collections.list(request.getHeaders(syntax.headerName())))
        .fold(
            key -> {
              if (BEHIND_FILTER) {
                IdempotentExchange.keyUsed(request);
              }
              return key.value();
            },
            missing -> null,
            malformed -> {
              throw new MalformedKeyException(malformed.detail() + " Nothing ran.");
            });
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
