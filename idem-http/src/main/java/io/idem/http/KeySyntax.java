package io.idem.http;

import io.idem.core.IdempotentRequest;
import io.idem.http.internal.StructuredString;
import io.idem.http.internal.Tokens;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Which header carries the idempotency key, and how it is read.
 *
 * <p>The header is a Structured Fields string ({@code draft-ietf-httpapi-idempotency-key-header},
 * RFC 9651): quotes, escapes, parameters that are ignored. Most clients send the bare value
 * instead, so unless it is {@linkplain #strict() strict} that is read too; both spellings are the
 * same key. Keys are case-sensitive.
 *
 * @param headerName the header's name
 * @param maxLength the most characters a key may have, after unescaping; 1 to {@value
 *     IdempotentRequest#MAX_KEY_LENGTH}
 * @param strict whether a bare value is refused
 */
public record KeySyntax(String headerName, int maxLength, boolean strict) {

  /** {@code Idempotency-Key}, up to 255 characters, quoted or bare. */
  public static final KeySyntax DEFAULT = new KeySyntax("Idempotency-Key", 255, false);

  /**
   * Checks the parts.
   *
   * @param headerName the header's name
   * @param maxLength the most characters a key may have
   * @param strict whether a bare value is refused
   * @throws IllegalArgumentException if the name is no header name or the length is out of bounds
   */
  public KeySyntax {
    if (!Tokens.isToken(headerName)) {
      throw new IllegalArgumentException(
          "The name of the key's header is not a header name (RFC 9110, section 5.1)");
    }
    if (maxLength < 1 || maxLength > IdempotentRequest.MAX_KEY_LENGTH) {
      throw new IllegalArgumentException(
          "The most characters of a key are 1 to "
              + IdempotentRequest.MAX_KEY_LENGTH
              + ", found "
              + maxLength);
    }
  }

  /**
   * The same syntax in another header.
   *
   * @param headerName the header's name
   * @return a copy
   */
  public KeySyntax in(String headerName) {
    return new KeySyntax(headerName, maxLength, strict);
  }

  /**
   * Reads the key.
   *
   * @param headerLines the values of the header, one for each line; none if it is absent
   * @return the key, or why there is none
   */
  public Result parse(List<String> headerLines) {
    if (headerLines.isEmpty()) {
      return new Missing();
    }
    if (headerLines.size() > 1) {
      return malformed("was sent several times", "Send it once, with one key");
    }
    String value = Tokens.strip(headerLines.get(0));
    if (value.isEmpty()) {
      return malformed("is empty", "Send a key that is unique to this operation");
    }
    if (!Tokens.isPrintableAscii(value)) {
      return malformed(
          "has characters outside of printable ASCII", "Use letters, digits and hyphens");
    }
    return value.charAt(0) == '"' ? quoted(value) : bare(value);
  }

  private Result quoted(String value) {
    String key = StructuredString.parse(value);
    if (key == null) {
      return malformed(
          "is not one well-formed quoted string",
          "Close the quotes, escape a quote or a backslash inside them with a backslash, and send"
              + " one key only");
    }
    return checked(key);
  }

  private Result bare(String value) {
    if (strict) {
      return malformed("is not a quoted string", "Put the key in double quotes");
    }
    for (int i = 0; i < value.length(); i++) {
      if (" ,;\"".indexOf(value.charAt(i)) >= 0) {
        return malformed(
            "has a space, comma, semicolon or quote in a key without quotes around it",
            "Send one key only, and put it in double quotes if it needs these characters");
      }
    }
    return checked(value);
  }

  private Result checked(String key) {
    if (key.isEmpty()) {
      return malformed("holds an empty key", "Send a key that is unique to this operation");
    }
    if (key.length() > maxLength) {
      return malformed(
          "holds a key of " + key.length() + " characters",
          "Send at most " + maxLength + " characters; a UUID has 36");
    }
    return new Key(key);
  }

  private Malformed malformed(String what, String fix) {
    return new Malformed("The " + headerName + " header " + what + ". " + fix + ".");
  }

  /** What a request holds of a key. */
  public sealed interface Result {

    /**
     * Turns each kind of result into one thing.
     *
     * @param key for {@link Key}
     * @param missing for {@link Missing}
     * @param malformed for {@link Malformed}
     * @param <R> what they become
     * @return what the function of this result's kind returned
     */
    default <R extends @Nullable Object> R fold(
        Function<Key, R> key, Function<Missing, R> missing, Function<Malformed, R> malformed) {
      if (this instanceof Key result) {
        return key.apply(result);
      } else if (this instanceof Missing result) {
        return missing.apply(result);
      } else {
        return malformed.apply((Malformed) this);
      }
    }
  }

  /**
   * A key.
   *
   * @param value the key, without quotes and escapes
   * @param source the system that gave it, empty where it stands for itself; see {@link
   *     KeySource#sourceAndNumber}
   */
  public record Key(String value, String source) implements Result {

    /**
     * A key that stands for itself.
     *
     * @param value the key, without quotes and escapes
     */
    public Key(String value) {
      this(value, "");
    }

    /** The length; the key itself stays out of logs. */
    @Override
    public String toString() {
      return "Key[" + value.length() + " characters]";
    }
  }

  /**
   * There is no key.
   *
   * @param detail null where the request sends nothing of a key; else what it lacks of one, which
   *     is refused even where keys are optional
   */
  public record Missing(@Nullable String detail) implements Result {

    /** The request sends nothing of a key. */
    public Missing() {
      this(null);
    }
  }

  /**
   * What the request holds is no key that can be used.
   *
   * @param detail what is wrong and how to put it right, without the value that was sent
   */
  public record Malformed(String detail) implements Result {}
}
