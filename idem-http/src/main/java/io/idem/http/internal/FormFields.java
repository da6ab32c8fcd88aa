package io.idem.http.internal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The fields of an {@code application/x-www-form-urlencoded} body. */
public final class FormFields {

  private FormFields() {}

  /**
   * Reads the fields, each character of a name or value standing for one byte.
   *
   * @return the values of each name in their order, or null if an escape is malformed
   */
  public static @Nullable Map<String, List<String>> parse(byte[] body) {
    Map<String, List<String>> fields = new TreeMap<>();
    for (String field : new String(body, StandardCharsets.ISO_8859_1).split("&", -1)) {
      if (field.isEmpty()) {
        continue;
      }
      int equals = field.indexOf('=');
      String name = decoded(equals < 0 ? field : field.substring(0, equals));
      String value = equals < 0 ? "" : decoded(field.substring(equals + 1));
      if (name == null || value == null) {
        return null;
      }
      fields.computeIfAbsent(name, unused -> new ArrayList<>()).add(value);
    }
    return fields;
  }

  private static @Nullable String decoded(String encoded) {
    StringBuilder text = new StringBuilder(encoded.length());
    for (int i = 0; i < encoded.length(); i++) {
      char c = encoded.charAt(i);
      if (c == '%') {
        int high = i + 2 < encoded.length() ? hexDigit(encoded.charAt(i + 1)) : -1;
        int low = i + 2 < encoded.length() ? hexDigit(encoded.charAt(i + 2)) : -1;
        if (high < 0 || low < 0) {
          return null;
        }
        text.append((char) (high << 4 | low));
        i += 2;
      } else {
        text.append(c == '+' ? ' ' : c);
      }
    }
    return text.toString();
  }

  private static int hexDigit(char c) {
    return c < 128 ? Character.digit(c, 16) : -1;
  }
}
