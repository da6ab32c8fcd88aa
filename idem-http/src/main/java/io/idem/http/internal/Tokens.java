package io.idem.http.internal;

/** The character classes of HTTP (RFC 9110, section 5.6). */
public final class Tokens {

  private static final String TOKEN_PUNCTUATION = "!#$%&'*+-.^_`|~";

  private Tokens() {}

  /** Whether this is a token, as names of headers and methods are. */
  public static boolean isToken(String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean alphanumeric =
          (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      if (!alphanumeric && TOKEN_PUNCTUATION.indexOf(c) < 0) {
        return false;
      }
    }
    return !value.isEmpty();
  }

  /** Whether every character is a space or visible ASCII. */
  public static boolean isPrintableAscii(String value) {
    for (int i = 0; i < value.length(); i++) {
      if (value.charAt(i) < ' ' || value.charAt(i) > '~') {
        return false;
      }
    }
    return true;
  }

  /** Takes optional white space, spaces and tabs, off both ends. */
  public static String strip(String value) {
    int start = 0;
    int end = value.length();
    while (start < end && isBlank(value.charAt(start))) {
      start++;
    }
    while (end > start && isBlank(value.charAt(end - 1))) {
      end--;
    }
    return value.substring(start, end);
  }

  private static boolean isBlank(char c) {
    return c == ' ' || c == '\t';
  }
}
