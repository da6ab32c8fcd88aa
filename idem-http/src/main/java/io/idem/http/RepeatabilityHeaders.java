package io.idem.http;

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
  static final String FIRST_SENT = StaleGuard.FIRST_SENT_HEADER;
  static final String CLIENT_ID = "Repeatability-Client-ID";

  static final int MAX_CLIENT_LENGTH = 255;

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
    KeySyntax clientId = new KeySyntax(CLIENT_ID, MAX_CLIENT_LENGTH, false);
    return of(key, clientId.parse(request.headerLines(CLIENT_ID)));
  }

  private static KeySyntax.Result of(KeySyntax.Key id, KeySyntax.Result client) {
    return client.fold(
        name -> new KeySyntax.Key(id.value(), name.value()), missing -> id, malformed -> malformed);
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
