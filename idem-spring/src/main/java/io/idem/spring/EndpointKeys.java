package io.idem.spring;

import io.idem.http.CallerScope;
import io.idem.http.HttpEndpoint;
import io.idem.http.KeySyntax;
import java.util.TreeSet;

/**
 * What {@link Idempotent} says about the requests of an endpoint: where their key is, whose it is,
 * and whether they need one. Immutable and thread-safe.
 */
final class EndpointKeys {

  private final WebSettings settings;

  EndpointKeys(WebSettings settings) {
    this.settings = settings;
  }

  /** Refuses what cannot hold at an endpoint. */
  void check(IdempotentMethod method) {
    Idempotent annotation = method.annotation();
    if (!annotation.source().isEmpty() || !annotation.fingerprint().isEmpty()) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint with a source or a fingerprint, which are expressions"
              + " over arguments that are not there yet when the key is looked up.",
          "Leave them away: the caller and the whole request count. Or move @Idempotent, with a"
              + " key, to the service method.");
    }
    method.dialect().ifPresent(name -> checkDialect(method, name));
    if (annotation.caller() == Idempotent.Caller.AUTHENTICATED && !settings.callersKnown()) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint whose keys belong to the authenticated caller, but"
              + " nothing in this application says who that is: callers would be given each other's"
              + " answers.",
          "Add Spring Security, or declare a bean of type io.idem.servlet.CallerResolver; with"
              + " @Idempotent(caller = SHARED) everybody is given everybody's answers.");
    }
  }

  private void checkDialect(IdempotentMethod method, String name) {
    if (!settings.dialects().containsKey(name)) {
      throw new IdempotencySetupException(
          method + " is an @Idempotent endpoint of the dialect '" + name + "', which nobody knows.",
          "Choose one of "
              + new TreeSet<>(settings.dialects().keySet())
              + ", or declare a bean of type io.idem.http.HttpDialect with that name().");
    }
  }

  /** Sets what a method says. */
  HttpEndpoint.Builder apply(IdempotentMethod method, HttpEndpoint.Builder endpoint) {
    Idempotent annotation = method.annotation();
    KeySyntax syntax = settings.keySyntax();
    endpoint
        .dialect(method.dialect().map(settings.dialects()::get).orElse(settings.dialect()))
        .keySyntax(method.header().map(syntax::in).orElse(syntax))
        .callerScope(
            annotation.caller() == Idempotent.Caller.SHARED
                ? CallerScope.SHARED
                : CallerScope.CALLER)
        .maxRequestBytes(settings.maxRequestBytes());
    if (!annotation.required()) {
      endpoint.keyOptional();
    }
    // Whatever method reaches the handler is protected, unless it is safe.
    return endpoint.unsafeMethods();
  }
}
