package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.Sha256;
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

  Intake(Refusals refusals) {
    this.refusals = refusals;
  }

  /** What the first step came to. */
  sealed interface AtHead permits Settled, NeedsBody {}

  /** What the second step came to. */
  sealed interface AtBody permits Settled, Ready {}

  /** The request passes through or is refused. */
  record Settled(HttpAnswer answer) implements AtHead, AtBody {}

  /** The request has a key, and a caller where it needs one, which else is empty. */
  record NeedsBody(String key, String caller) implements AtHead {

    /** Neither the key nor the caller, which stay out of logs. */
    @Override
    public String toString() {
      return "NeedsBody[]";
    }
  }

  /** The engine can be asked. */
  record Ready(IdempotentRequest request) implements AtBody {}

  /** The first step: method, key and caller. */
  AtHead head(HttpEndpoint endpoint, HttpRequestHead request) {
    if (!endpoint.protects(request.method())) {
      return passThrough();
    }
    KeySource source = endpoint.keySource();
    return source
        .read(request)
        .fold(
            key -> withKey(endpoint, request, key.value()),
            missing ->
                endpoint.isKeyRequired()
                    ? refused(endpoint, ProblemType.KEY_MISSING, source.missingDetail())
                    : passThrough(),
            malformed -> refused(endpoint, ProblemType.KEY_MALFORMED, malformed.detail()));
  }

  private AtHead withKey(HttpEndpoint endpoint, HttpRequestHead request, String key) {
    if (endpoint.callerScope() == CallerScope.SHARED) {
      return new NeedsBody(key, "");
    }
    String caller = request.caller();
    if (caller == null || caller.isEmpty()) {
      return refused(
          endpoint,
          ProblemType.CALLER_REQUIRED,
          "Idempotency keys of this endpoint belong to a caller. Authenticate, then send the"
              + " request again with the same key.");
    }
    return new NeedsBody(key, caller);
  }

  /** The second step: size and fingerprint of the body. */
  AtBody body(HttpEndpoint endpoint, HttpRequestHead request, NeedsBody head, RequestBody body) {
    if (body instanceof RequestBody.TooLarge) {
      return refused(
          endpoint,
          ProblemType.REQUEST_TOO_LARGE,
          "The body of a request to this endpoint has at most "
              + endpoint.maxRequestBytes()
              + " bytes. Send a smaller one; the same key may be used for it.");
    }
    Fingerprint fingerprint =
        RequestFingerprint.of(
            request.method(),
            request.path(),
            request.query(),
            request.headerLines("Content-Type").stream().findFirst().orElse(null),
            body);
    try {
      String scope = scope(endpoint, request, head.caller());
      return new Ready(new IdempotentRequest(scope, head.key(), fingerprint));
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
  private static String scope(HttpEndpoint endpoint, HttpRequestHead request, String caller) {
    StringBuilder scope = new StringBuilder().append(caller.length()).append(':').append(caller);
    if (endpoint.pathScope() == PathScope.SEPARATE) {
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
