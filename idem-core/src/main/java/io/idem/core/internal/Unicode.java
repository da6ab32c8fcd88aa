package io.idem.core.internal;

/** Strings that go into a digest have to survive their encoding: two of them must never meet. */
public final class Unicode {

  private Unicode() {}

  /**
   * Refuses a string with half a surrogate pair, which UTF-8 would replace.
   *
   * @param what what the string is, for the message
   * @param value the string
   * @throws IllegalArgumentException if it is not valid Unicode
   */
  public static void requireWellFormed(String what, String value) {
    int at = halfPairIn(value);
    if (at >= 0) {
      throw new IllegalArgumentException(
          "The "
              + what
              + " has half a surrogate pair at index "
              + at
              + ", which no encoding can tell from another");
    }
  }

  /** Where a string has half a surrogate pair; -1 if nowhere. */
  static int halfPairIn(String value) {
    int length = value.length();
    for (int i = 0; i < length; i++) {
      if (Character.isSurrogate(value.charAt(i))) {
        if (i + 1 == length || !Character.isSurrogatePair(value.charAt(i), value.charAt(i + 1))) {
          return i;
        }
        i++;
      }
    }
    return -1;
  }
}
