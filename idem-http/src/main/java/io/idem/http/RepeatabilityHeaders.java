package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.http.internal.ImfFixdate;
import io.idem.http.internal.Tokens;
import java.util.List;

/**
 * The key of OASIS Repeatable Requests: an id that its client made, when it was first sent, and,
 * where ids are unique to a client only, which client that is.
 *
 * @param requestId how the id is read
 */
record RepeatabilityHeaders(KeySyntax requestId) implements KeySource {

  static final String REQUEST_ID = "Repeatability-Request-ID";
  static final String FIRST_SENT = "Repeatability-First-Sent";
  static final String CLIENT_ID = "Repeatability-Client-ID";

  /** Is in no id, so that a key with a client is never one without, nor that of another client. */
  private static final char SEPARATOR = '\n';

  /** Takes over the length; quotes are not asked for, an id is an opaque text here. */
  RepeatabilityHeaders {
    requestId = new KeySyntax(REQUEST_ID, requestId.maxLength(), false);
  }

  @Override
  public KeySyntax.Result read(HttpRequestHead request) {
    List<String> firstSent = request.headerLines(FIRST_SENT);
    KeySyntax.Result id = requestId.parse(request.headerLines(REQUEST_ID));
    if (id instanceof KeySyntax.Missing && !firstSent.isEmpty()) {
      return malformed(
          REQUEST_ID + " header is missing", "Send it with the " + FIRST_SENT + " header");
    }
    if (!(id instanceof KeySyntax.Key key)) {
      return id;
    }
    if (firstSent.size() != 1 || ImfFixdate.parse(Tokens.strip(firstSent.get(0))).isEmpty()) {
      return malformed(
          FIRST_SENT + " header is not one date",
          "Send it once, with the time at which the request was sent first, for example"
              + " Sun, 06 Nov 1994 08:49:37 GMT");
    }
    return of(key, requestId.in(CLIENT_ID).parse(request.headerLines(CLIENT_ID)));
  }

  private static KeySyntax.Result of(KeySyntax.Key id, KeySyntax.Result client) {
    return client.fold(
        name -> {
          String key = name.value() + SEPARATOR + id.value();
          return key.length() <= IdempotentRequest.MAX_KEY_LENGTH
              ? new KeySyntax.Key(key)
              : malformed(CLIENT_ID + " header is too long", "Send fewer characters");
        },
        missing -> id,
        malformed -> malformed);
  }

  private static KeySyntax.Malformed malformed(String what, String fix) {
    return new KeySyntax.Malformed("The " + what + ". " + fix + ".");
  }

  @Override
  public boolean maySend(HttpRequestHead request) {
    return !request.headerLines(REQUEST_ID).isEmpty() || !request.headerLines(FIRST_SENT).isEmpty();
  }

  @Override
  public String missingDetail() {
    return "Send the "
        + REQUEST_ID
        + " header with an id that is unique to this operation, for example a random UUID, and the "
        + FIRST_SENT
        + " header with the time of the first attempt, and send both unchanged with every retry.";
  }
}
