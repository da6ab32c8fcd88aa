package io.idem.http;

import io.idem.core.OperationTokens;
import io.idem.core.TokenCheck;
import io.idem.core.TokenSubject;
import io.idem.http.internal.FormFields;
import io.idem.http.internal.MediaType;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is asked of a request whose key is in a token. Where a request has both, the header counts
 * and the field does not. No token gets into a log or an answer. Immutable and thread-safe.
 */
final class TokenIntake {

  private static final Logger log = LoggerFactory.getLogger("io.idem.http");

  private final Refusals refusals;

  TokenIntake(Refusals refusals) {
    this.refusals = refusals;
  }

  /** Whether the body of a request is one that has fields. */
  static boolean mayHaveFields(HttpRequestHead request) {
    MediaType type = typeOf(request);
    return type.isForm() || type.essence().equals("multipart/form-data");
  }

  private static MediaType typeOf(HttpRequestHead request) {
    return MediaType.parse(request.headerLines("Content-Type").stream().findFirst().orElse(null));
  }

  /** The subject that a token of an endpoint is issued to. */
  static TokenSubject subject(HttpEndpoint endpoint, String caller) {
    return endpoint.callerScope() == CallerScope.SHARED
        ? TokenSubject.anybody()
        : TokenSubject.caller(caller);
  }

  /** Reads what the header holds: a token, or a key of the client's own where that is allowed. */
  Intake.AtHead fromHeader(
      HttpEndpoint endpoint, KeySource.InToken source, String text, String caller) {
    if (!source.orHeader() || OperationTokens.looksLikeOne(text)) {
      return checked(endpoint, source, text, caller);
    }
    if (text.length() > source.syntax().maxLength()) {
      return refused(
          endpoint,
          ProblemType.KEY_MALFORMED,
          "The "
              + source.syntax().headerName()
              + " header holds a key of "
              + text.length()
              + " characters. Send at most "
              + source.syntax().maxLength()
              + " characters; a UUID has 36.");
    }
    return new Intake.NeedsBody(text, caller);
  }

  /** Reads the field, or gives null if there is none. */
  Intake.@Nullable AtHead fromBody(
      HttpEndpoint endpoint,
      KeySource.InToken source,
      HttpRequestHead request,
      RequestBody body,
      String caller) {
    String query = request.query();
    if (query != null && values(query.getBytes(StandardCharsets.UTF_8), source).size() > 0) {
      // Servers keep URLs in logs, and hand the parameters in them out as if they were fields.
      return refused(
          endpoint,
          ProblemType.TOKEN_INVALID,
          "A token is not accepted in a URL. Send it in the body of the form.");
    }
    List<String> values =
        body.fold(
            bytes ->
                typeOf(request).isForm()
                    ? values(bytes.content(), source)
                    : List.of(), // a multipart body that the server does not take apart
            form -> form.fields().getOrDefault(source.fieldName(), List.of()),
            multipart -> multipart.fields().getOrDefault(source.fieldName(), List.of()),
            tooLarge -> List.of());
    if (values.isEmpty()) {
      return null;
    }
    return values.size() == 1
        ? checked(endpoint, source, values.get(0), caller)
        : refused(
            endpoint,
            ProblemType.TOKEN_INVALID,
            "The form field " + source.fieldName() + " was sent several times. Send it once.");
  }

  private static List<String> values(byte[] form, KeySource.InToken source) {
    Map<String, List<String>> fields = FormFields.parse(form);
    return fields == null ? List.of() : fields.getOrDefault(source.fieldName(), List.of());
  }

  private Intake.AtHead checked(
      HttpEndpoint endpoint, KeySource.InToken source, String token, String caller) {
    TokenSubject subject;
    try {
      subject = subject(endpoint, caller);
    } catch (IllegalArgumentException e) {
      return refused(
          endpoint,
          ProblemType.CALLER_REQUIRED,
          "The name of the caller is too long or not valid Unicode, so that no token can belong to"
              + " it.");
    }
    return source
        .tokens()
        .check(token, endpoint.operation(), subject)
        .<Intake.AtHead>fold(
            valid -> new Intake.NeedsBody(valid.key(), caller),
            refused -> refused(endpoint, refused.reason()));
  }

  private Intake.Settled refused(HttpEndpoint endpoint, TokenCheck.Reason reason) {
    if (reason == TokenCheck.Reason.FROM_THE_FUTURE) {
      log.warn(
          "A token of operation '{}' is refused: it was issued later than now by more than the"
              + " clock skew. Set the clocks of all nodes",
          endpoint.operation().name());
    } else {
      log.debug(
          "A token of operation '{}' is refused: {}", endpoint.operation().name(), reason);
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
