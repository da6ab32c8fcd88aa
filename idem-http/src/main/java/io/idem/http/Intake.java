package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.Sha256;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is asked of a request before the engine is: is it protected, has it a key and a caller, can
 * its body be compared. In two steps, with the reading of the body between them, which an adapter
 * may have to wait for. Nothing is looked up, and no key is consumed. Immutable and thread-safe.
 */
final class Intake {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  private final Refusals refusals;
  private final TokenIntake tokens;

  Intake(Refusals refusals) {
    this.refusals = refusals;
    this.tokens = new TokenIntake(refusals);
  }

  /** What the first step came to. */
  sealed interface AtHead permits Settled, NeedsBody {}

  /** What the second step came to. */
  sealed interface AtBody permits Settled, Ready {}

  /** The request passes through or is refused. */
  record Settled(HttpAnswer answer) implements AtHead, AtBody {}

  /**
   * The request may have a key and a caller, which is empty where keys are everybody's. Each is null
   * as long as it has not been asked for, because the body comes first.
   */
  record NeedsBody(KeySyntax.@Nullable Key key, @Nullable String caller) implements AtHead {

    /** Neither the key nor the caller, which stay out of logs. */
    @Override
    public String toString() {
      return "NeedsBody[]";
    }
  }

  /** The engine can be asked. */
  record Ready(IdempotentRequest request) implements AtBody {}

  /** The first step: method, and key and caller as far as the body is not needed for them. */
  AtHead head(HttpEndpoint endpoint, HttpRequestHead request) {
    if (!endpoint.protects(request.method())) {
      return passThrough();
    }
    KeySource source = endpoint.keySource();
    if (source.isInBody(request)) {
      if (!endpoint.isKeyRequired()) {
        return new NeedsBody(null, null); // without a key it may run, whoever sends it
      }
      String caller = callerOf(endpoint, request);
      Settled refused = refusedCaller(endpoint, caller);
      return refused == null ? new NeedsBody(null, caller) : refused;
    }
    KeySyntax.Result read = source.read(request);
    if (!(read instanceof KeySyntax.Key key)) {
      return withoutKey(endpoint, read);
    }
    String caller = callerOf(endpoint, request);
    return withKey(endpoint, key, caller);
  }

  /** What is asked once there is a key, or a token that holds one. */
  private AtHead withKey(HttpEndpoint endpoint, KeySyntax.Key read, String caller) {
    Settled refused = refusedCaller(endpoint, caller);
    KeySyntax.Key key = read;
    if (refused == null && endpoint.keySource() instanceof KeySource.InToken source) {
      TokenIntake.Checked checked = tokens.check(endpoint, source, read, caller);
      refused = checked.refused();
      key = checked.key();
    }
    if (refused == null) {
      refused = refusedWithKey(endpoint, key, caller);
    }
    return refused == null ? new NeedsBody(key, caller) : refused;
  }

  private Settled withoutKey(HttpEndpoint endpoint, KeySyntax.Result read) {
    return read.fold(
        key -> {
          throw new IllegalStateException("There is a key");
        },
        missing -> {
          String detail = missing.detail();
          if (detail == null) {
            if (!endpoint.isKeyRequired()) {
              return passThrough();
            }
            detail = endpoint.keySource().missingDetail();
          }
          return refused(endpoint, ProblemType.KEY_MISSING, detail);
        },
        malformed -> refused(endpoint, ProblemType.KEY_MALFORMED, malformed.detail()));
  }

  /** What is asked once there is a key; null if nothing speaks against the request. */
  private @Nullable Settled refusedWithKey(
      HttpEndpoint endpoint, KeySyntax.Key key, String caller) {
    Settled refused = refusedCaller(endpoint, caller);
    if (refused == null
        && endpoint.keySource() instanceof KeySource.SourceAndNumber numbered
        && !numbered.check().maySend(caller, key.source())) {
      return refused(
          endpoint,
          ProblemType.SOURCE_FOREIGN,
          "The caller may not send operations of the system that "
              + numbered.source().description()
              + " names.");
    }
    return refused;
  }

  private @Nullable Settled refusedCaller(HttpEndpoint endpoint, String caller) {
    if (endpoint.callerScope() == CallerScope.SHARED || !caller.isEmpty()) {
      return null;
    }
    return refused(
        endpoint,
        ProblemType.CALLER_REQUIRED,
        "Idempotency keys of this endpoint belong to a caller. Authenticate, then send the"
            + " request again with the same key.");
  }

  /** The caller whom keys belong to, empty if there is none or they are everybody's. */
  private static String callerOf(HttpEndpoint endpoint, HttpRequestHead request) {
    String caller = endpoint.callerScope() == CallerScope.SHARED ? null : request.caller();
    return caller == null ? "" : caller;
  }

  /** The second step: size of the body, key in it, fingerprint. */
  AtBody body(HttpEndpoint endpoint, HttpRequestHead request, NeedsBody head, RequestBody body) {
    if (body instanceof RequestBody.TooLarge) {
      return refused(
          endpoint,
          ProblemType.REQUEST_TOO_LARGE,
          "The body of a request to this endpoint has at most "
              + endpoint.maxRequestBytes()
              + " bytes. Send a smaller one; the same key may be used for it.");
    }
    KeySyntax.Key key = head.key();
    String caller = head.caller() == null ? callerOf(endpoint, request) : head.caller();
    if (key == null) {
      KeySyntax.Result read = endpoint.keySource().read(request, body);
      if (!(read instanceof KeySyntax.Key found)) {
        return withoutKey(endpoint, read);
      }
      AtHead next = withKey(endpoint, found, caller);
      return next instanceof NeedsBody withKey
          ? body(endpoint, request, withKey, body)
          : (Settled) next;
    }
    Fingerprint fingerprint =
        RequestFingerprint.of(
            request.method(),
            request.path(),
            request.query(),
            request.headerLines("Content-Type").stream().findFirst().orElse(null),
            body);
    try {
      String scope = scope(endpoint, request, key, caller);
      return new Ready(new IdempotentRequest(scope, key.value(), fingerprint));
    } catch (IllegalArgumentException e) {
      // The key has been checked, so this is the caller's name.
      log.warn(
          "A request of operation '{}' is refused: the name of its caller cannot scope a key: {}",
          endpoint.operation().name(),
          e.getMessage());
      return refused(
          endpoint,
          ProblemType.CALLER_REQUIRED,
          "The name of the caller is too long or not valid Unicode, so that no key can belong to"
              + " it.");
    }
  }

  /**
   * Whom and what a key belongs to. The parts cannot run into each other: each but the path has its
   * length before it, and the path begins with a slash; with two of them, the digest of a long one.
   */
  private static String scope(
      HttpEndpoint endpoint, HttpRequestHead request, KeySyntax.Key key, String caller) {
    StringBuilder scope = new StringBuilder().append(caller.length()).append(':').append(caller);
    if (!key.source().isEmpty()) {
      scope.append(key.source().length()).append(':').append(key.source());
    }
    if (endpoint.pathScope() == PathScope.SEPARATE && !TokenIntake.isOfToken(endpoint, key)) {
      String resource = request.resource();
      boolean fits = scope.length() + resource.length() <= IdempotentRequest.MAX_KEY_LENGTH;
      scope.append(fits ? resource : "//" + new Sha256().string(resource).hex());
    }
    return scope.toString();
  }

  private Settled refused(HttpEndpoint endpoint, ProblemType type, String detail) {
    return new Settled(refusals.refuse(endpoint, type, detail));
  }

  private static Settled passThrough() {
    return new Settled(new HttpAnswer.PassThrough());
  }
}
