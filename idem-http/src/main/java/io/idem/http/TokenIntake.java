package io.idem.http;

import io.idem.core.OperationTokens;
import io.idem.core.TokenCheck;
import io.idem.core.TokenSubject;
import io.idem.http.internal.MediaType;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is asked of a request whose key is in a token. Where a request has both, the header counts
 * and the field does not. No token gets into a log or an answer. Immutable and thread-safe.
 */
final class TokenIntake {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  /** Keeps the keys of tokens apart from keys that clients choose. */
  private static final String SOURCE = "token";

  /** Marks what was read from a field, where clients have no keys of their own. */
  private static final String FIELD = "field";

  /** More than a token has, so that a longer text is still told that it is none. */
  private static final int MAX_READ = 1024;

  private final Refusals refusals;

  TokenIntake(Refusals refusals) {
    this.refusals = refusals;
  }

  /** The key of a token, or why there is none, in which case the key is what was read. */
  record Checked(KeySyntax.Key key, Intake.@Nullable Settled refused) {}

  /** Whether the body of a request is one that has fields. */
  static boolean mayHaveFields(HttpRequestHead request) {
    MediaType type = PlaceReader.mediaType(request);
    return type.isForm() || type.essence().equals("multipart/form-data");
  }

  /** Whether a key came with a token of this service. */
  static boolean isOfToken(HttpEndpoint endpoint, KeySyntax.Key key) {
    return endpoint.keySource() instanceof KeySource.InToken && key.source().equals(SOURCE);
  }

  /** The subject that a token of an endpoint is issued to. */
  static TokenSubject subject(HttpEndpoint endpoint, String caller) {
    return endpoint.callerScope() == CallerScope.SHARED
        ? TokenSubject.anybody()
        : TokenSubject.caller(caller);
  }

  /** Reads the field of a form. One in a URL is refused: servers keep URLs in logs. */
  static KeySyntax.Result read(
      RequestValue.Field field, HttpRequestHead request, RequestBody body) {
    KeySyntax.Result read = PlaceReader.read(field, MAX_READ, request, body);
    return read instanceof KeySyntax.Key text ? new KeySyntax.Key(text.value(), FIELD) : read;
  }

  /** Checks what was read: a token, or a key of the client's own where that is allowed. */
  Checked check(
      HttpEndpoint endpoint, KeySource.InToken source, KeySyntax.Key read, String caller) {
    if (source.orHeader()
        && read.source().isEmpty()
        && !OperationTokens.looksLikeOne(read.value())) {
      return new Checked(read, objectionToOwnKey(endpoint, source, read));
    }
    TokenSubject subject;
    try {
      subject = subject(endpoint, caller);
    } catch (IllegalArgumentException e) {
      return new Checked(
          read,
          refused(
              endpoint,
              ProblemType.CALLER_REQUIRED,
              "The name of the caller is too long or not valid Unicode, so that no token can"
                  + " belong to it."));
    }
    return source
        .tokens()
        .check(read.value(), endpoint.operation(), subject)
        .fold(
            valid -> new Checked(new KeySyntax.Key(valid.key(), SOURCE), null),
            refused -> new Checked(read, refused(endpoint, refused.reason())));
  }

  private Intake.@Nullable Settled objectionToOwnKey(
      HttpEndpoint endpoint, KeySource.InToken source, KeySyntax.Key key) {
    KeySyntax syntax = source.syntax();
    if (key.value().length() <= syntax.maxLength()) {
      return null;
    }
    return refused(
        endpoint,
        ProblemType.KEY_MALFORMED,
        "The key has "
            + key.value().length()
            + " characters. Send at most "
            + syntax.maxLength()
            + "; a UUID has 36.");
  }

  private Intake.Settled refused(HttpEndpoint endpoint, TokenCheck.Reason reason) {
    if (reason == TokenCheck.Reason.FROM_THE_FUTURE) {
      log.warn(
          "A token of operation '{}' is refused: it was issued later than now by more than the"
              + " clock skew. Set the clocks of all nodes",
          endpoint.operation().name());
    } else {
      log.debug("A token of operation '{}' is refused: {}", endpoint.operation().name(), reason);
    }
    return switch (reason) {
      case MALFORMED ->
          refused(
              endpoint,
              ProblemType.TOKEN_INVALID,
              "What was sent is not a token. Send one that this service issued, unchanged.");
      case UNKNOWN_KEY ->
          refused(
              endpoint,
              ProblemType.TOKEN_INVALID,
              "The token is signed with a key that this service does not have, or no longer has."
                  + " Get a new one.");
      case FORGED ->
          refused(
              endpoint,
              ProblemType.TOKEN_INVALID,
              "The signature of the token does not fit. Send it unchanged, or get a new one.");
      case FROM_THE_FUTURE ->
          refused(
              endpoint,
              ProblemType.TOKEN_INVALID,
              "The token was issued later than now, by the clock of this service. Get a new one.");
      case OTHER_OPERATION ->
          refused(
              endpoint,
              ProblemType.TOKEN_FOREIGN,
              "The token was issued for another operation. Get one for this one.");
      case OTHER_SUBJECT ->
          refused(
              endpoint,
              ProblemType.TOKEN_FOREIGN,
              "The token was issued to another caller. Get one as the caller who uses it.");
      case EXPIRED ->
          refused(
              endpoint,
              ProblemType.TOKEN_EXPIRED,
              "The token has expired. If it was used before, find out whether the operation was"
                  + " carried out before you submit it with a new token.");
    };
  }

  private Intake.Settled refused(HttpEndpoint endpoint, ProblemType type, String detail) {
    return new Intake.Settled(refusals.refuse(endpoint, type, detail));
  }
}
