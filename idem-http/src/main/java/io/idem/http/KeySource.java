package io.idem.http;

import io.idem.core.OperationTokens;
import io.idem.http.internal.Tokens;

/**
 * Where the key of a request is, and how it is read. Immutable and thread-safe.
 *
 * <p>It reads; whether a request without a key is refused is said by the endpoint.
 */
public sealed interface KeySource {

  /**
   * The key is in a header.
   *
   * @param syntax the header, and how its value is read
   * @return the source
   */
  static KeySource header(KeySyntax syntax) {
    return new InHeader(syntax);
  }

  /**
   * The key is a token that the service issues, sent in a header or in a field of a form. Nothing
   * else is accepted, whatever clients make up.
   *
   * @param tokens issues and checks them
   * @param syntax the header, and whether quotes are required around what is in it
   * @param fieldName the field, of a form or a multipart body; 1 to 100 characters of visible ASCII
   * @return the source
   * @throws IllegalArgumentException if the field's name is none
   */
  static KeySource token(OperationTokens tokens, KeySyntax syntax, String fieldName) {
    return new InToken(tokens, syntax, fieldName, false);
  }

  /**
   * The key is a token, as with {@link #token}, or one that the client chose and sends in the
   * header. What starts like a token is one: a forged token is never taken for a client's key.
   *
   * @param tokens issues and checks them
   * @param syntax the header, and how a key in it is read
   * @param fieldName the field that a token may be in, as with {@link #token}
   * @return the source
   * @throws IllegalArgumentException if the field's name is none
   */
  static KeySource tokenOrHeader(OperationTokens tokens, KeySyntax syntax, String fieldName) {
    return new InToken(tokens, syntax, fieldName, true);
  }

  /**
   * Reads the key.
   *
   * @param request the request
   * @return the key, or why there is none
   */
  KeySyntax.Result read(HttpRequestHead request);

  /**
   * Whether a request tries to send a key, well-formed or not, as far as that can be told without
   * its body.
   *
   * @param request the request
   * @return false if it certainly sends none
   */
  boolean maySend(HttpRequestHead request);

  /**
   * What a client without a key is told.
   *
   * @return what to send and where, a sentence of the {@linkplain Problem#detail() detail} of
   *     {@link ProblemType#KEY_MISSING}
   */
  String missingDetail();

  /**
   * The key is in a header.
   *
   * @param syntax the header, and how its value is read
   */
  record InHeader(KeySyntax syntax) implements KeySource {

    @Override
    public KeySyntax.Result read(HttpRequestHead request) {
      return syntax.parse(request.headerLines(syntax.headerName()));
    }

    @Override
    public boolean maySend(HttpRequestHead request) {
      return !request.headerLines(syntax.headerName()).isEmpty();
    }

    @Override
    public String missingDetail() {
      return "Send the "
          + syntax.headerName()
          + " header with a key that is unique to this operation, for example a random UUID in"
          + " double quotes, and send the same key with every retry.";
    }
  }

  /**
   * The key is in a token. {@link #read} gives what is in the header, unchecked: to check it takes
   * the caller.
   *
   * @param tokens issues and checks them
   * @param syntax the header
   * @param fieldName the field
   * @param orHeader whether the header may hold a key that the client chose
   */
  record InToken(OperationTokens tokens, KeySyntax syntax, String fieldName, boolean orHeader)
      implements KeySource {

    /** Checks the name of the field. */
    public InToken {
      if (fieldName.isEmpty()
          || fieldName.length() > 100
          || !Tokens.isPrintableAscii(fieldName)
          || fieldName.indexOf(' ') >= 0) {
        throw new IllegalArgumentException(
            "The name of a token's form field is 1 to 100 characters of visible ASCII");
      }
    }

    /** A token may be longer than the keys that clients choose. */
    @Override
    public KeySyntax.Result read(HttpRequestHead request) {
      return new KeySyntax(
              syntax.headerName(),
              Math.max(syntax.maxLength(), OperationTokens.MAX_LENGTH),
              syntax.strict())
          .parse(request.headerLines(syntax.headerName()));
    }

    @Override
    public boolean maySend(HttpRequestHead request) {
      return !request.headerLines(syntax.headerName()).isEmpty()
          || TokenIntake.mayHaveFields(request);
    }

    @Override
    public String missingDetail() {
      return "Get a token for this operation, and send it in the form field "
          + fieldName
          + " or in the "
          + syntax.headerName()
          + " header, with every retry as well."
          + (orHeader ? " The header may hold a key of your own instead." : "");
    }
  }
}
