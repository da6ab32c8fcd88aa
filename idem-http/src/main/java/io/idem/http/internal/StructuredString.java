package io.idem.http.internal;

import org.jspecify.annotations.Nullable;

/**
 * Reads a Structured Fields item whose value is a string (RFC 9651, section 4.2), and passes over
 * its parameters.
 *
 * <p>The caller has made sure that every character is printable ASCII. Parameters are checked for
 * their shape only: nothing here depends on their values, and values of types that are defined
 * later must not make a good key bad.
 */
public final class StructuredString {

  private final String input;
  private int at;

  private StructuredString(String input) {
    this.input = input;
  }

  /**
   * Reads the whole input as one item.
   *
   * @return the unescaped string, or null if the input is anything else
   */
  public static @Nullable String parse(String input) {
    StructuredString reader = new StructuredString(input);
    String value = reader.string();
    return value != null && reader.parameters() && reader.at == input.length() ? value : null;
  }

  private @Nullable String string() {
    if (!accept('"')) {
      return null;
    }
    StringBuilder value = new StringBuilder();
    while (at < input.length()) {
      char c = input.charAt(at++);
      if (c == '"') {
        return value.toString();
      }
      if (c == '\\') {
        if (at == input.length()) {
          return null;
        }
        c = input.charAt(at++);
        if (c != '"' && c != '\\') {
          return null;
        }
      }
      value.append(c);
    }
    return null;
  }

  private boolean parameters() {
    while (accept(';')) {
      while (accept(' ')) {
        // RFC 9651 allows spaces here and nowhere else among parameters
      }
      if (!name() || (accept('=') && !parameterValue())) {
        return false;
      }
    }
    return true;
  }

  private boolean name() {
    int start = at;
    while (at < input.length() && isNameCharacter(input.charAt(at), at == start)) {
      at++;
    }
    return at > start;
  }

  private static boolean isNameCharacter(char c, boolean first) {
    if ((c >= 'a' && c <= 'z') || c == '*') {
      return true;
    }
    return !first && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
  }

  private boolean parameterValue() {
    if (input.startsWith("%\"", at)) {
      at++; // a display string: the same quotes, other escapes
    }
    if (at < input.length() && input.charAt(at) == '"') {
      return string() != null;
    }
    int start = at;
    while (at < input.length() && " \",;".indexOf(input.charAt(at)) < 0) {
      at++;
    }
    return at > start;
  }

  private boolean accept(char c) {
    if (at < input.length() && input.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }
}
