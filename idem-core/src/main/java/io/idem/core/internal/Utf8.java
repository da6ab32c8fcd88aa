package io.idem.core.internal;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/**
 * Strings as UTF-8, and half a surrogate pair, which UTF-8 has no bytes for, as the three that its
 * code point would have. Java's own encoder puts a question mark in its place, so that a text comes
 * back as another, and two texts may be one.
 */
public final class Utf8 {

  private static final char REPLACEMENT = '\uFFFD';

  private Utf8() {}

  /**
   * Encodes a string.
   *
   * @param text any string
   * @return its bytes, which no other string has
   */
  public static byte[] encode(String text) {
    if (isWellFormed(text)) {
      return text.getBytes(StandardCharsets.UTF_8);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(text.length() * 3);
    text.codePoints()
        .forEach(
            point -> {
              if (point >= Character.MIN_SURROGATE && point <= Character.MAX_SURROGATE) {
                bytes.write(0xE0 | (point >> 12));
                bytes.write(0x80 | ((point >> 6) & 0x3F));
                bytes.write(0x80 | (point & 0x3F));
              } else {
                bytes.writeBytes(Character.toString(point).getBytes(StandardCharsets.UTF_8));
              }
            });
    return bytes.toByteArray();
  }

  /**
   * Decodes what {@link #encode} gave, and other UTF-8 as Java does.
   *
   * @param bytes not changed
   * @return the string
   */
  public static String decode(byte[] bytes) {
    String text = new String(bytes, StandardCharsets.UTF_8);
    if (text.indexOf(REPLACEMENT) < 0) {
      return text;
    }
    StringBuilder exact = new StringBuilder(text.length());
    int from = 0;
    for (int i = 0; i + 2 < bytes.length; i++) {
      // A byte that begins a character is in the middle of none.
      if (bytes[i] == (byte) 0xED
          && (bytes[i + 1] & 0xE0) == 0xA0
          && (bytes[i + 2] & 0xC0) == 0x80) {
        exact.append(new String(bytes, from, i - from, StandardCharsets.UTF_8));
        exact.append((char) (0xD000 | ((bytes[i + 1] & 0x3F) << 6) | (bytes[i + 2] & 0x3F)));
        from = i + 3;
        i += 2;
      }
    }
    return exact
        .append(new String(bytes, from, bytes.length - from, StandardCharsets.UTF_8))
        .toString();
  }

  /** Whether every surrogate stands in a pair. */
  static boolean isWellFormed(String text) {
    return Unicode.halfPairIn(text) < 0;
  }
}
