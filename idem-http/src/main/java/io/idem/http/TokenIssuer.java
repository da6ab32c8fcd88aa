package io.idem.http;

import io.idem.core.IssuedToken;
import io.idem.core.Operation;
import io.idem.core.TokenSubject;
import java.io.ByteArrayOutputStream;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Hands out operation tokens, to scripts by HTTP and to pages by Java: for endpoints that take them
 * and for nobody but the caller who asks. Writes nothing. Immutable and thread-safe.
 *
 * <p>An answer is a JSON object that may not be stored. It is given for a POST only, which other
 * origins can send but, as no CORS header is set here, not read; and reading is all there is to
 * gain, since issuing has no effect.
 */
public final class TokenIssuer {

  /** How long tokens are valid where nothing is set and the retention admits it. */
  public static final Duration DEFAULT_VALIDITY = Duration.ofHours(1);

  private static final int MAX_OPERATION_LENGTH = 200;
  private static final JsonFactory JSON = new JsonFactory();

  private final HttpIdempotency protocol;
  private final Function<String, Optional<HttpEndpoint>> endpoints;
  private final @Nullable Duration validFor;

  /**
   * An issuer.
   *
   * @param protocol says how refusals are written
   * @param endpoints finds the endpoint of an operation by its name
   * @param validFor how long tokens are valid; null for {@link #DEFAULT_VALIDITY}, or less where
   *     the retention of the operation demands it
   */
  public TokenIssuer(
      HttpIdempotency protocol,
      Function<String, Optional<HttpEndpoint>> endpoints,
      @Nullable Duration validFor) {
    this.protocol = protocol;
    this.endpoints = endpoints;
    this.validFor = validFor;
  }

  /**
   * Says why the tokens of an endpoint would not do what they promise, so that an application can
   * refuse to start.
   *
   * @param endpoint an endpoint that takes tokens
   * @param validFor how long tokens are to be valid; null for what the retention admits
   * @return what is wrong, as a sentence without its full stop, or nothing
   * @throws IllegalArgumentException if it takes none
   */
  public static Optional<String> objection(HttpEndpoint endpoint, @Nullable Duration validFor) {
    Operation<?> operation = endpoint.operation();
    Duration longest = sourceOf(endpoint).tokens().longestValidity(operation);
    Duration wanted = validFor == null ? Duration.ofMillis(1) : validFor;
    if (wanted.compareTo(longest) <= 0 && wanted.compareTo(Duration.ofMillis(1)) >= 0) {
      return Optional.empty();
    }
    return Optional.of(
        "Operation '"
            + operation.name()
            + "' keeps its records for "
            + operation.retention()
            + ", so that its tokens can be valid for "
            + (longest.isNegative() ? Duration.ZERO : longest)
            + " once it is allowed for that the nodes' clocks differ; found "
            + (validFor == null ? "no time left" : validFor)
            + ". Otherwise a token could be used again after the record of its use is gone");
  }

  /**
   * Issues a token to the caller of a page that is being rendered.
   *
   * @param operation the operation's name
   * @param caller the authenticated caller, or null if there is none
   * @return the token, and where it is expected
   * @throws IllegalArgumentException if no endpoint of that operation takes tokens
   * @throws IllegalStateException if the endpoint's keys belong to callers, and there is none
   */
  public Issued issue(String operation, @Nullable String caller) {
    HttpEndpoint endpoint = find(operation).orElse(null);
    if (endpoint == null) {
      throw new IllegalArgumentException(
          "No endpoint takes tokens for an operation '" + operation + "'");
    }
    if (isUnknown(endpoint, caller)) {
      throw new IllegalStateException(
          "Tokens of operation '"
              + operation
              + "' belong to a caller, but this request has none. Show the form to authenticated"
              + " callers only, or share the keys of the operation among all callers");
    }
    return issue(endpoint, caller == null ? "" : caller);
  }

  /**
   * Answers a request for a token.
   *
   * @param request the request; its body is not asked for
   * @param operation the operation that the client named, or null if it named none
   * @return the token with where and until when to send it, or a refusal
   */
  public StoredResponse answer(HttpRequestHead request, @Nullable String operation) {
    HttpEndpoint endpoint = operation == null ? null : find(operation).orElse(null);
    if (endpoint == null) {
      return protocol.render(
          request,
          ProblemType.TOKEN_NOT_ISSUED,
          "Name an operation that takes tokens in the parameter \"operation\".",
          null);
    }
    String caller = endpoint.callerScope() == CallerScope.SHARED ? "" : request.caller();
    if (isUnknown(endpoint, caller)) {
      return callerRequired(request);
    }
    try {
      Issued issued = issue(endpoint, caller == null ? "" : caller);
      return new StoredResponse(
          200,
          List.of(
              new HeaderField("Content-Type", "application/json"),
              new HeaderField("Cache-Control", "no-store"),
              new HeaderField("X-Content-Type-Options", "nosniff")),
          issued.toJson());
    } catch (UnfitCallerException e) {
      return callerRequired(request);
    }
  }

  private StoredResponse callerRequired(HttpRequestHead request) {
    return protocol.render(
        request,
        ProblemType.CALLER_REQUIRED,
        "Tokens of this operation belong to a caller. Authenticate, then ask again.",
        null);
  }

  private Optional<HttpEndpoint> find(String operation) {
    return operation.length() > MAX_OPERATION_LENGTH
        ? Optional.empty()
        : endpoints
            .apply(operation)
            .filter(endpoint -> endpoint.keySource() instanceof KeySource.InToken);
  }

  private static boolean isUnknown(HttpEndpoint endpoint, @Nullable String caller) {
    return endpoint.callerScope() == CallerScope.CALLER && (caller == null || caller.isEmpty());
  }

  private static KeySource.InToken sourceOf(HttpEndpoint endpoint) {
    if (endpoint.keySource() instanceof KeySource.InToken source) {
      return source;
    }
    throw new IllegalArgumentException(endpoint + " takes no tokens");
  }

  private Issued issue(HttpEndpoint endpoint, String caller) {
    KeySource.InToken source = sourceOf(endpoint);
    Duration longest = source.tokens().longestValidity(endpoint.operation());
    Duration validity = validFor;
    if (validity == null) {
      validity = DEFAULT_VALIDITY.compareTo(longest) < 0 ? DEFAULT_VALIDITY : longest;
    }
    IssuedToken token =
        source.tokens().issue(endpoint.operation(), subject(endpoint, caller), validity);
    return new Issued(
        token, endpoint.operation().name(), source.syntax().headerName(), source.field().name());
  }

  private static TokenSubject subject(HttpEndpoint endpoint, String caller) {
    try {
      return TokenIntake.subject(endpoint, caller);
    } catch (IllegalArgumentException e) {
      throw new UnfitCallerException(e);
    }
  }

  /** The name of the caller cannot scope a key. */
  private static final class UnfitCallerException extends IllegalStateException {

    private static final long serialVersionUID = 1L;

    UnfitCallerException(IllegalArgumentException cause) {
      super(cause.getMessage(), cause);
    }
  }

  /**
   * A token, and where it is expected.
   *
   * @param token the token
   * @param operation the operation that it is for
   * @param header the request header that it may be sent in
   * @param field the form field that it may be sent in
   */
  public record Issued(IssuedToken token, String operation, String header, String field) {

    private byte[] toJson() {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
        json.writeStartObject();
        json.writeStringProperty("token", token.token());
        json.writeStringProperty("expiresAt", token.expiresAt().toString());
        json.writeStringProperty("operation", operation);
        json.writeStringProperty("header", header);
        json.writeStringProperty("field", field);
        json.writeEndObject();
      }
      return bytes.toByteArray();
    }
  }
}
