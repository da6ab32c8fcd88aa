package io.idem.http.internal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The fields of an {@code application/x-www-form-urlencoded} body. */
public final class FormFields {

  /** A field takes many times the room of the two bytes that make one. */
  private static final int MAX_FIELDS = 10_000;

  private FormFields() {}

  /**
   * Reads the fields, each character of a name or value standing for one byte.
   *
   * @return the values of each name in their order, or null if an escape is malformed or there are
   *     more than 10 000 fields
   */
  public static @Nullable Map<String, List<String>> parse(byte[] body) {
    Map<String, List<String>> fields = new TreeMap<>();
    int count = 0;
    for (int start = 0; start < body.length; ) {
      int end = indexOf('&', body, start, body.length);
      if (end > start) {
        int equals = indexOf('=', body, start, end);
        String name = decoded(body, start, equals);
        String value = decoded(body, Math.min(equals + 1, end), end);
        if (name == null || value == null || ++count > MAX_FIELDS) {
          return null;
        }
        fields.computeIfAbsent(name, unused -> new ArrayList<>(1)).add(value);
      }
      start = end + 1;
    }
    return fields;
  }

  /** Where a byte is, or the end. */
  private static int indexOf(char ascii, byte[] body, int from, int end) {
    int at = from;
    while (at < end && body[at] != ascii) {
      at++;
    }
    return at;
  }

  private static @Nullable String decoded(byte[] body, int from, int end) {
    byte[] text = new byte[end - from];
    int length = 0;
    for (int i = from; i < end; i++) {
      byte b = body[i];
      if (b == '%') {
        int high = i + 2 < end ? hexDigit(body[i + 1]) : -1;
        int low = i + 2 < end ? hexDigit(body[i + 2]) : -1;
        if (high < 0 || low < 0) {
          return null;
        }
        text[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        text[length++] = b == '+' ? (byte) ' ' : b;
      }
    }
    return new String(text, 0, length, StandardCharsets.ISO_8859_1);
  }

  private static int hexDigit(byte b) {
    return b < 0 ? -1 : Character.digit(b, 16);
  }
}
