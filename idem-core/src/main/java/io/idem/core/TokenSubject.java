package io.idem.core;

import io.idem.core.internal.Unicode;
import java.util.Optional;

/**
 * Whom an operation token is issued to. That it is good for everybody has to be said; it never
 * follows from a caller that happens to be unknown. Immutable and thread-safe.
 */
public final class TokenSubject {

  private static final TokenSubject ANYBODY = new TokenSubject(Optional.empty());

  private final Optional<String> caller;

  private TokenSubject(Optional<String> caller) {
    this.caller = caller;
  }

  /**
   * One caller: the principal, not the credential.
   *
   * @param name the caller's name, as keys are scoped to; 1 to {@value
   *     IdempotentRequest#MAX_KEY_LENGTH} characters
   * @return the subject
   * @throws IllegalArgumentException if the name is empty, too long or not valid Unicode
   */
  public static TokenSubject caller(String name) {
    if (name.isEmpty() || name.length() > IdempotentRequest.MAX_KEY_LENGTH) {
      throw new IllegalArgumentException(
          "The name of a caller has 1 to "
              + IdempotentRequest.MAX_KEY_LENGTH
              + " characters, found "
              + name.length());
    }
    Unicode.requireWellFormed("name of a caller", name);
    return new TokenSubject(Optional.of(name));
  }

  /**
   * Everybody, for operations whose keys belong to nobody in particular. Who is given such a token
   * can use it.
   *
   * @return the subject
   */
  public static TokenSubject anybody() {
    return ANYBODY;
  }

  Optional<String> name() {
    return caller;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof TokenSubject that && caller.equals(that.caller);
  }

  @Override
  public int hashCode() {
    return caller.hashCode();
  }

  /** Whether it is a caller; the name stays out of logs. */
  @Override
  public String toString() {
    return "TokenSubject[" + (caller.isPresent() ? "a caller" : "anybody") + "]";
  }
}
