package io.idem.jdbc.internal;

/** The form in which the readable parts of a key are kept. */
final class Labels {

  /** In UTF-16 units; nothing is looked up by a label, so a cut one harms nobody. */
  private static final int LONGEST = 1024;

  private Labels() {}

  /** Cut to size, and without what text columns refuse: NUL and halves of surrogate pairs. */
  static String clean(String label) {
    String cut = label.length() > LONGEST ? label.substring(0, LONGEST) : label;
    for (int i = 0; i < cut.length(); i++) {
      char c = cut.charAt(i);
      if (c == 0 || Character.isSurrogate(c)) {
        return replaced(cut);
      }
    }
    return cut;
  }

  private static String replaced(String label) {
    StringBuilder clean = new StringBuilder(label.length());
    label
        .codePoints()
        .map(c -> c == 0 || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c)
        .forEach(clean::appendCodePoint);
    return clean.toString();
  }
}
