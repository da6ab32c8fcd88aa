package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.store.Fingerprint;
import io.idem.http.internal.Sha256;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
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

  /** For two lengths and what is between them. */
  private static final int ROOM = 16;

  private final Refusals refusals;
  private final TokenIntake tokens;
  private final InstantSource clock;
  private final UnprotectedKeys unprotectedKeys;

  Intake(Refusals refusals, InstantSource clock, UnprotectedKeys unprotectedKeys) {
    this.refusals = refusals;
    this.tokens = new TokenIntake(refusals);
    this.clock = clock;
    this.unprotectedKeys = unprotectedKeys;
  }

  /** What the first step came to. */
  sealed interface AtHead permits Settled, NeedsBody {}

  /** What the second step came to. */
  sealed interface AtBody permits Settled, Ready {}

  /** The request passes through or is refused. */
  record Settled(HttpAnswer answer) implements AtHead, AtBody {}

  /**
   * The request may have a key and a caller, which is empty where keys are everybody's. Each is
   * null as long as it has not been asked for, because the body comes first.
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
    KeySource source = endpoint.keySource();
    if (!endpoint.protects(request.method())) {
      return new Settled(unprotected(source, endpoint.dialect(), request));
    }
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
    return withKey(endpoint, request, key, caller);
  }

  /** What is asked once there is a key, or a token that holds one. */
  private AtHead withKey(
      HttpEndpoint endpoint, HttpRequestHead request, KeySyntax.Key read, String caller) {
    Settled refused = refusedCaller(endpoint, caller);
    KeySyntax.Key key = read;
    if (refused == null && endpoint.keySource() instanceof KeySource.InToken source) {
      TokenIntake.Checked checked = tokens.check(endpoint, source, read, caller);
      refused = checked.refused();
      key = checked.key();
    }
    if (refused == null) {
      refused = refusedWithKey(endpoint, request, key, caller);
    }
    return refused == null ? new NeedsBody(key, caller) : refused;
  }

  /** The answer to a request that nothing protects, which may have a key all the same. */
  HttpAnswer unprotected(KeySource source, HttpDialect dialect, HttpRequestHead request) {
    if (unprotectedKeys == UnprotectedKeys.IGNORE
        || HttpEndpoint.isSafe(request.method())
        || source.isInBody(request) // which is not read to find out
        || !source.maySend(request)) {
      return new HttpAnswer.PassThrough();
    }
    if (unprotectedKeys == UnprotectedKeys.REFUSE) {
      ProblemType type = ProblemType.KEY_NOT_SUPPORTED;
      return new HttpAnswer.Refusal(
          refusals.problem(
              type,
              dialect.statusOf(type, type.status()),
              "Nothing protects this request from being carried out twice. Send it without a key,"
                  + " and do not repeat it on your own.",
              null));
    }
    HeaderField flag = new HeaderField(HttpIdempotency.IGNORED_HEADER, "true");
    List<HeaderField> headers = new ArrayList<>(List.of(flag));
    headers.addAll(Exposed.to(request, List.of(flag)));
    return new HttpAnswer.PassThrough(headers);
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
      HttpEndpoint endpoint, HttpRequestHead request, KeySyntax.Key key, String caller) {
    Settled refused = refusedCaller(endpoint, caller);
    if (refused != null) {
      return refused;
    }
    if (endpoint.keySource() instanceof KeySource.SourceAndNumber numbered
        && !numbered.check().maySend(caller, key.source())) {
      return refused(
          endpoint,
          ProblemType.SOURCE_FOREIGN,
          "The caller may not send operations of the system that "
              + numbered.source().description()
              + " names.");
    }
    StaleGuard guard = endpoint.staleGuard();
    RequestAge.Objection objection =
        guard == null ? null : RequestAge.objection(guard, request, key, clock.instant());
    return objection == null ? null : refused(endpoint, objection.type(), objection.detail());
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
    if (body instanceof RequestBody.Malformed) {
      return refused(
          endpoint,
          ProblemType.REQUEST_MALFORMED,
          "The body of the request cannot be taken apart as its Content-Type says. Send a"
              + " well-formed one; the same key may be used for it.");
    }
    KeySyntax.Key key = head.key();
    String caller = head.caller() == null ? callerOf(endpoint, request) : head.caller();
    if (key == null) {
      KeySyntax.Result read = endpoint.keySource().read(request, body);
      if (!(read instanceof KeySyntax.Key found)) {
        return withoutKey(endpoint, read);
      }
      AtHead next = withKey(endpoint, request, found, caller);
      return next instanceof NeedsBody withKey
          ? body(endpoint, request, withKey, body)
          : (Settled) next;
    }
    Fingerprint fingerprint = RequestFingerprint.of(request, body, endpoint.comparing());
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
    boolean separate =
        endpoint.pathScope() == PathScope.SEPARATE && !TokenIntake.isOfToken(endpoint, key);
    String resource = separate ? request.resource() : "";
    // It is made for every request, and where "+" is compiled to a call it takes half a
    // microsecond.
    StringBuilder scope =
        new StringBuilder(caller.length() + key.source().length() + resource.length() + ROOM);
    scope.append(caller.length()).append(':').append(caller);
    if (!key.source().isEmpty()) {
      scope.append(key.source().length()).append(':').append(key.source());
    }
    if (separate && scope.length() + resource.length() > IdempotentRequest.MAX_KEY_LENGTH) {
      return scope.append("//").append(new Sha256().string(resource).hex()).toString();
    }
    return scope.append(resource).toString();
  }

  private Settled refused(HttpEndpoint endpoint, ProblemType type, String detail) {
    return new Settled(refusals.refuse(endpoint, type, detail));
  }

  private static Settled passThrough() {
    return new Settled(new HttpAnswer.PassThrough());
  }
}
