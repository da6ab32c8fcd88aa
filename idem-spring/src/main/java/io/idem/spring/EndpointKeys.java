package io.idem.spring;

import io.idem.core.OperationTokens;
import io.idem.http.BodyFields;
import io.idem.http.CallerScope;
import io.idem.http.HttpDialect;
import io.idem.http.HttpEndpoint;
import io.idem.http.KeySource;
import io.idem.http.KeySyntax;
import io.idem.http.PathScope;
import io.idem.http.RequestValue;
import io.idem.http.StaleGuard;
import io.idem.http.TokenIssuer;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What {@link Idempotent} says about the requests of an endpoint: where their key is, whose it is,
 * and whether they need one. Immutable and thread-safe.
 */
final class EndpointKeys {

  private static final Logger log = LoggerFactory.getLogger("io.idem.spring");

  private static final String TOKEN = "token";
  private static final String TOKEN_OR_HEADER = "token-or-header";

  private final AtomicBoolean warned = new AtomicBoolean();
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
          "Leave them away: the caller and the whole request count. Name places in the request with"
              + " keyFrom and sourceFrom, such as \"json:/number\". Or move @Idempotent, with a key,"
              + " to the service method.");
    }
    if (!annotation.keyFrom().isEmpty() && method.header().isPresent()) {
      throw new IdempotencySetupException(
          method + " is an @Idempotent endpoint with both a header and keyFrom.",
          "Leave one of them away.");
    }
    if (!annotation.sourceFrom().isEmpty() && annotation.caller() == Idempotent.Caller.SHARED) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint with sourceFrom and caller = SHARED, but what a system"
              + " numbers belongs to the caller that sends it.",
          "Leave caller = SHARED away.");
    }
    method.dialect().ifPresent(name -> checkDialect(method, name));
    HttpDialect dialect = dialect(method);
    if (method.header().isPresent()
        && !(dialect.keySource(settings.keySyntax()) instanceof KeySource.InHeader)) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint that names a header, but the dialect '"
              + dialect.name()
              + "' says by itself where the key is.",
          "Leave the header away, choose another dialect, or name the place with keyFrom.");
    }
    if (annotation.caller() != Idempotent.Caller.SHARED && !settings.callersKnown()) {
      throw new IdempotencySetupException(
          method
              + " is an @Idempotent endpoint whose keys belong to the authenticated caller, but"
              + " nothing in this application says who that is: callers would be given each other's"
              + " answers.",
          "Add Spring Security, or declare a bean of type io.idem.servlet.CallerResolver (with"
              + " WebFlux, io.idem.webflux.ExchangeCallerResolver); with @Idempotent(caller = SHARED)"
              + " everybody is given everybody's answers.");
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

  private HttpDialect dialect(IdempotentMethod method) {
    return method.dialect().map(settings.dialects()::get).orElse(settings.dialect());
  }

  /** Sets what a method says. */
  HttpEndpoint.Builder apply(IdempotentMethod method, HttpEndpoint.Builder endpoint) {
    Idempotent annotation = method.annotation();
    KeySyntax syntax = settings.keySyntax();
    endpoint
        .dialect(dialect(method))
        .keySyntax(method.header().map(syntax::in).orElse(syntax))
        .callerScope(
            annotation.caller() == Idempotent.Caller.SHARED
                ? CallerScope.SHARED
                : CallerScope.CALLER)
        .maxRequestBytes(settings.maxRequestBytes());
    KeySource places = places(method, syntax);
    if (places != null) {
      endpoint.keySource(places);
    }
    PathScope pathScope = pathScope(annotation);
    if (pathScope != null) {
      endpoint.pathScope(pathScope);
    }
    if (annotation.comparing().length > 0) {
      endpoint.comparing(BodyFields.parse(annotation.comparing()));
    }
    StaleGuard staleGuard = staleGuard(method);
    if (staleGuard != null) {
      endpoint.staleGuard(staleGuard);
    }
    if (!annotation.required()) {
      endpoint.keyOptional();
    }
    // Whatever method reaches the handler is protected, unless it is safe.
    return endpoint.unsafeMethods();
  }

  /** Where the annotation says that the key is, or null where it is the header. */
  private @Nullable KeySource places(IdempotentMethod method, KeySyntax syntax) {
    String keyFrom = method.annotation().keyFrom();
    String sourceFrom = method.annotation().sourceFrom();
    if (keyFrom.equals(TOKEN) || keyFrom.equals(TOKEN_OR_HEADER)) {
      return token(method, syntax);
    }
    RequestValue key = place(method, "keyFrom", keyFrom);
    RequestValue source = place(method, "sourceFrom", sourceFrom);
    if (source != null) {
      RequestValue number =
          key == null ? new RequestValue.Header(method.header().orElse(syntax.headerName())) : key;
      return KeySource.sourceAndNumber(source, number, syntax.maxLength(), settings.sourceCheck());
    }
    if (key instanceof RequestValue.Header header) {
      return KeySource.header(syntax.in(header.name()));
    }
    return key == null ? null : KeySource.at(key, syntax.maxLength());
  }

  private KeySource token(IdempotentMethod method, KeySyntax syntax) {
    TokenSettings tokens = settings.tokens();
    if (tokens == null) {
      throw new IdempotencySetupException(
          method + " takes tokens for keys, but this application issues none.",
          "Leave idem.tokens.enabled true, or give WebSettings its TokenSettings.");
    }
    if (!method.annotation().sourceFrom().isEmpty()) {
      throw new IdempotencySetupException(
          method + " takes tokens for keys, which no other system numbers, but has a sourceFrom.",
          "Leave sourceFrom away.");
    }
    KeySyntax inHeader = tokens.header() == null ? syntax : syntax.in(tokens.header());
    return method.annotation().keyFrom().equals(TOKEN)
        ? KeySource.token(tokens.tokens(), inHeader, tokens.field())
        : KeySource.tokenOrHeader(tokens.tokens(), inHeader, tokens.field());
  }

  /** Refuses tokens that would outlive their records, and says once what several nodes need. */
  HttpEndpoint checked(HttpEndpoint endpoint) {
    TokenSettings tokens = settings.tokens();
    if (tokens != null && endpoint.keySource() instanceof KeySource.InToken) {
      TokenIssuer.objection(endpoint, tokens.validFor())
          .ifPresent(
              objection -> {
                throw new IdempotencySetupException(
                    objection + ".",
                    "Raise the operation's retention (idem.retention, or @Idempotent(retention)),"
                        + " or lower idem.tokens.valid-for.");
              });
      if (tokens.tokens().isOfThisProcess() && !warned.getAndSet(true)) {
        log.warn(
            "Operation '{}' takes tokens, but no key is configured to sign them. One was made for"
                + " this process: it does for a single node, whose forms are worthless after a"
                + " restart. Other nodes will take its tokens for forged. Set idem.tokens.keys.<id>"
                + " to the Base64 of {} random bytes or more, the same on all nodes, and"
                + " idem.tokens.sign-with to that id",
            endpoint.operation().name(),
            OperationTokens.MIN_SECRET_BYTES);
      }
    }
    return endpoint;
  }

  private static @Nullable RequestValue place(
      IdempotentMethod method, String attribute, String written) {
    if (written.isEmpty()) {
      return null;
    }
    try {
      return RequestValue.parse(written);
    } catch (IllegalArgumentException e) {
      throw new IdempotencySetupException(
          "@Idempotent("
              + attribute
              + " = \""
              + written
              + "\") on "
              + method
              + " names no place in a request. "
              + e.getMessage()
              + ".",
          "Write \"json:/order/number\", \"form:number\", \"path:number\" or"
              + " \"header:X-Order-Number\".",
          e);
    }
  }

  private @Nullable PathScope pathScope(Idempotent annotation) {
    return switch (annotation.pathScope()) {
      case DEFAULT -> settings.pathScope();
      case SEPARATE -> PathScope.SEPARATE;
      case MISUSE -> PathScope.MISUSE;
    };
  }

  private @Nullable StaleGuard staleGuard(IdempotentMethod method) {
    StaleGuard common = settings.staleGuard();
    return method
        .notOlderThan()
        .map(
            window ->
                common == null
                    ? new StaleGuard(window, settings.staleAhead(), settings.staleTimeRequired())
                    : new StaleGuard(window, common.ahead(), common.timeRequired()))
        .orElse(common);
  }
}
