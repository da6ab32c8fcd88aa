package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
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
   * The request has a key, and a caller where it needs one, which else is empty. The key is empty
   * if it can only be in the body.
   */
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
                source instanceof KeySource.InToken && TokenIntake.mayHaveFields(request)
                    ? withKey(endpoint, request, "")
                    : withoutKey(endpoint),
            malformed -> refused(endpoint, ProblemType.KEY_MALFORMED, malformed.detail()));
  }

  private Settled withoutKey(HttpEndpoint endpoint) {
    return endpoint.isKeyRequired()
        ? refused(endpoint, ProblemType.KEY_MISSING, endpoint.keySource().missingDetail())
        : passThrough();
  }

  private AtHead withKey(HttpEndpoint endpoint, HttpRequestHead request, String key) {
    if (endpoint.callerScope() == CallerScope.SHARED) {
      return withCaller(endpoint, key, "");
    }
    String caller = request.caller();
    if (caller == null || caller.isEmpty()) {
      return refused(
          endpoint,
          ProblemType.CALLER_REQUIRED,
          "Idempotency keys of this endpoint belong to a caller. Authenticate, then send the"
              + " request again with the same key.");
    }
    return withCaller(endpoint, key, caller);
  }

  private AtHead withCaller(HttpEndpoint endpoint, String key, String caller) {
    return endpoint.keySource() instanceof KeySource.InToken source && !key.isEmpty()
        ? tokens.fromHeader(endpoint, source, key, caller)
        : new NeedsBody(key, caller);
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
    if (head.key().isEmpty() && endpoint.keySource() instanceof KeySource.InToken source) {
      AtHead found = tokens.fromBody(endpoint, source, request, body, head.caller());
      if (found == null) {
        return withoutKey(endpoint);
      }
      return found instanceof NeedsBody withKey
          ? body(endpoint, request, withKey, body)
          : (Settled) found;
    }
    Fingerprint fingerprint =
        RequestFingerprint.of(
            request.method(),
            request.path(),
            request.query(),
            request.headerLines("Content-Type").stream().findFirst().orElse(null),
            body);
    try {
      return new Ready(new IdempotentRequest(head.caller(), head.key(), fingerprint));
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

  private Settled refused(HttpEndpoint endpoint, ProblemType type, String detail) {
    return new Settled(refusals.refuse(endpoint, type, detail));
  }

  private static Settled passThrough() {
    return new Settled(new HttpAnswer.PassThrough());
  }
}
