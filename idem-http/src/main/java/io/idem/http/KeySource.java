package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.core.OperationTokens;
import org.jspecify.annotations.Nullable;

/**
 * Where the key of a request is, and how it is read. Immutable and thread-safe.
 *
 * <p>It reads; whether a request without a key is refused is said by the endpoint.
 */
public sealed interface KeySource
    permits KeySource.InHeader,
        KeySource.InToken,
        KeySource.InValue,
        KeySource.SourceAndNumber,
        RepeatabilityHeaders {

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
   * The key is what stands at a place of the request.
   *
   * @param place the place
   * @param maxLength the most characters it may have; 1 to {@value
   *     IdempotentRequest#MAX_KEY_LENGTH}
   * @return the source
   * @throws IllegalArgumentException if the length is out of bounds
   */
  static KeySource at(RequestValue place, int maxLength) {
    return new InValue(place, maxLength);
  }

  /**
   * The key is the number that a system gave to the operation, together with the name of that
   * system. Both are required, and both belong to the authenticated caller: what another caller
   * says of the same source is a key of its own.
   *
   * @param source where the system's name is
   * @param number where its number is
   * @param maxLength the most characters either may have; 1 to 255
   * @param check which caller may name which source
   * @return the source
   * @throws IllegalArgumentException if the length is out of bounds
   */
  static KeySource sourceAndNumber(
      RequestValue source, RequestValue number, int maxLength, SourceCheck check) {
    return new SourceAndNumber(source, number, maxLength, check);
  }

  /**
   * The key is a token that the service issues, sent in a header or in a field of a form. Nothing
   * else is accepted, whatever clients make up. A token is good for one operation whatever the
   * path: with it, another path is always {@link PathScope#MISUSE}.
   *
   * @param tokens issues and checks them
   * @param syntax the header, and whether quotes are required around what is in it
   * @param field the field, of a form or a multipart body; it counts where the header is absent
   * @return the source
   */
  static KeySource token(OperationTokens tokens, KeySyntax syntax, RequestValue.Field field) {
    return new InToken(tokens, syntax, field, false);
  }

  /**
   * The key is a token, as with {@link #token}, or one that the client chose and sends in the
   * header. What starts like a token is one: a forged token is never taken for a client's key.
   *
   * @param tokens issues and checks them
   * @param syntax the header, and how a key in it is read
   * @param field the field that a token may be in; it counts where the header is absent
   * @return the source
   */
  static KeySource tokenOrHeader(
      OperationTokens tokens, KeySyntax syntax, RequestValue.Field field) {
    return new InToken(tokens, syntax, field, true);
  }

  /**
   * Whether the key cannot be read before the body is.
   *
   * @return false if the head of a request tells its key
   */
  default boolean isInBody() {
    return false;
  }

  /**
   * Whether the key of this request cannot be read before its body is.
   *
   * @param request the request
   * @return false if its head tells its key, or that there is none
   */
  default boolean isInBody(HttpRequestHead request) {
    return isInBody();
  }

  /**
   * Reads the key.
   *
   * @param request the request
   * @return the key, or why there is none
   * @throws IllegalStateException if the key is {@linkplain #isInBody() in the body}
   */
  KeySyntax.Result read(HttpRequestHead request);

  /**
   * Reads the key of a request whose body has been read.
   *
   * @param request the request
   * @param body its body
   * @return the key, or why there is none
   */
  default KeySyntax.Result read(HttpRequestHead request, RequestBody body) {
    return read(request);
  }

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
   * The key is what stands at a place of the request.
   *
   * @param place the place
   * @param maxLength the most characters it may have
   */
  record InValue(RequestValue place, int maxLength) implements KeySource {

    /**
     * Checks the length.
     *
     * @param place the place
     * @param maxLength the most characters it may have
     * @throws IllegalArgumentException if it is out of bounds
     */
    public InValue {
      requireLength(maxLength, IdempotentRequest.MAX_KEY_LENGTH);
    }

    @Override
    public boolean isInBody() {
      return place.isInBody();
    }

    @Override
    public KeySyntax.Result read(HttpRequestHead request) {
      return PlaceReader.read(place, maxLength, request, null);
    }

    @Override
    public KeySyntax.Result read(HttpRequestHead request, RequestBody body) {
      return PlaceReader.read(place, maxLength, request, body);
    }

    @Override
    public boolean maySend(HttpRequestHead request) {
      return isInBody() || !(read(request) instanceof KeySyntax.Missing);
    }

    @Override
    public String missingDetail() {
      return "Send a key that is unique to this operation as "
          + place.description()
          + ", and send the same key with every retry.";
    }
  }

  /**
   * The key is a number together with the name of the system that gave it.
   *
   * @param source where the system's name is
   * @param number where its number is
   * @param maxLength the most characters either may have
   * @param check which caller may name which source
   */
  record SourceAndNumber(RequestValue source, RequestValue number, int maxLength, SourceCheck check)
      implements KeySource {

    private static final int MAX_LENGTH = 255;

    /**
     * Checks the length.
     *
     * @param source where the system's name is
     * @param number where its number is
     * @param maxLength the most characters either may have
     * @param check which caller may name which source
     * @throws IllegalArgumentException if the length is out of bounds
     */
    public SourceAndNumber {
      requireLength(maxLength, MAX_LENGTH);
    }

    @Override
    public boolean isInBody() {
      return source.isInBody() || number.isInBody();
    }

    @Override
    public KeySyntax.Result read(HttpRequestHead request) {
      return both(request, null);
    }

    @Override
    public KeySyntax.Result read(HttpRequestHead request, RequestBody body) {
      return both(request, body);
    }

    private KeySyntax.Result both(HttpRequestHead request, @Nullable RequestBody body) {
      KeySyntax.Result name = PlaceReader.read(source, maxLength, request, body);
      KeySyntax.Result given = PlaceReader.read(number, maxLength, request, body);
      if (name instanceof KeySyntax.Key system && given instanceof KeySyntax.Key key) {
        return new KeySyntax.Key(key.value(), system.value());
      }
      if (name instanceof KeySyntax.Malformed || given instanceof KeySyntax.Malformed) {
        return name instanceof KeySyntax.Malformed ? name : given;
      }
      boolean noName = name instanceof KeySyntax.Missing;
      if (noName && given instanceof KeySyntax.Missing) {
        return new KeySyntax.Missing();
      }
      // Half a key is none, and not to be passed over where a key is optional.
      return new KeySyntax.Missing(
          "The request lacks " + (noName ? source : number).description() + ". " + missingDetail());
    }

    @Override
    public boolean maySend(HttpRequestHead request) {
      return isInBody() || !read(request).equals(new KeySyntax.Missing());
    }

    @Override
    public String missingDetail() {
      return "Send the name of the system that numbers this operation as "
          + source.description()
          + " and its number as "
          + number.description()
          + ", and send the same two with every retry.";
    }
  }

  /**
   * The key is in a token. What is read of it is unchecked: to check it takes the caller.
   *
   * @param tokens issues and checks them
   * @param syntax the header
   * @param field the field
   * @param orHeader whether the header may hold a key that the client chose
   */
  record InToken(
      OperationTokens tokens, KeySyntax syntax, RequestValue.Field field, boolean orHeader)
      implements KeySource {

    @Override
    public boolean isInBody(HttpRequestHead request) {
      return request.headerLines(syntax.headerName()).isEmpty()
          && TokenIntake.mayHaveFields(request);
    }

    /** A token may be longer than the keys that clients choose. */
    @Override
    public KeySyntax.Result read(HttpRequestHead request) {
      int maxLength = Math.max(syntax.maxLength(), OperationTokens.MAX_LENGTH);
      return new KeySyntax(syntax.headerName(), maxLength, syntax.strict())
          .parse(request.headerLines(syntax.headerName()));
    }

    @Override
    public KeySyntax.Result read(HttpRequestHead request, RequestBody body) {
      return TokenIntake.read(field, request, body);
    }

    @Override
    public boolean maySend(HttpRequestHead request) {
      return isInBody(request) || !request.headerLines(syntax.headerName()).isEmpty();
    }

    @Override
    public String missingDetail() {
      return "Get a token for this operation, and send it as "
          + field.description()
          + " or in the "
          + syntax.headerName()
          + " header, with every retry as well."
          + (orHeader ? " The header may hold a key of your own instead." : "");
    }
  }

  private static void requireLength(int maxLength, int bound) {
    if (maxLength < 1 || maxLength > bound) {
      throw new IllegalArgumentException(
          "The most characters of a key are 1 to " + bound + ", found " + maxLength);
    }
  }
}
