package io.idem.http;

/**
 * Where the key of a request is, and how it is read. Immutable and thread-safe.
 *
 * <p>It reads; whether a request without a key is refused is said by the endpoint.
 */
public sealed interface KeySource permits KeySource.InHeader, RepeatabilityHeaders {

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
}
