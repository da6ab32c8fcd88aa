package io.idem.http.internal;

import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A media type (RFC 9110, section 8.3.1), read leniently: what is not well-formed is kept as it is.
 *
 * @param essence type and subtype in lower case, empty if there is no media type
 * @param parameters by lower-case name
 */
public record MediaType(String essence, Map<String, String> parameters) {

  /** Reads the value of a Content-Type header. */
  public static MediaType parse(@Nullable String value) {
    if (value == null) {
      return new MediaType("", Map.of());
    }
    int end = endOfSection(value, 0);
    String essence = Tokens.strip(value.substring(0, end)).toLowerCase(Locale.ROOT);
    if (end == value.length()) {
      return new MediaType(essence, Map.of());
    }
    Map<String, String> parameters = new TreeMap<>();
    while (end < value.length()) {
      int start = end + 1;
      end = endOfSection(value, start);
      String parameter = Tokens.strip(value.substring(start, end));
      int equals = parameter.indexOf('=');
      if (equals > 0) {
        parameters.putIfAbsent(
            parameter.substring(0, equals).toLowerCase(Locale.ROOT),
            unquoted(parameter.substring(equals + 1)));
      } else if (!parameter.isEmpty()) {
        parameters.putIfAbsent(parameter.toLowerCase(Locale.ROOT), "");
      }
    }
    return new MediaType(essence, parameters);
  }

  /** The next semicolon outside of quotes, or the end. */
  private static int endOfSection(String value, int from) {
    boolean quoted = false;
    for (int i = from; i < value.length(); i++) {
      char c = value.charAt(i);
      if (c == '"') {
        quoted = !quoted;
      } else if (c == '\\' && quoted) {
        i++;
      } else if (c == ';' && !quoted) {
        return i;
      }
    }
    return value.length();
  }

  private static String unquoted(String value) {
    if (value.length() < 2 || value.charAt(0) != '"' || value.charAt(value.length() - 1) != '"') {
      return value;
    }
    StringBuilder text = new StringBuilder(value.length());
    for (int i = 1; i < value.length() - 1; i++) {
      if (value.charAt(i) == '\\' && i + 1 < value.length() - 1) {
        i++;
      }
      text.append(value.charAt(i));
    }
    return text.toString();
  }

  /** Whether it is JSON, or something written in it. */
  public boolean isJson() {
    return essence.equals("application/json") || essence.endsWith("+json");
  }

  /** Whether it is the format of HTML forms. */
  public boolean isForm() {
    return essence.equals("application/x-www-form-urlencoded");
  }

  /** Whether it consists of parts between boundaries. */
  public boolean isMultipart() {
    return essence.startsWith("multipart/");
  }

  /** What separates the parts of a multipart body. */
  public @Nullable String boundary() {
    return parameters.get("boundary");
  }

  /** Adds what of it counts as the request: neither the charset nor the boundary does. */
  public void digestInto(Sha256 digest) {
    digest.string(essence);
    parameters.forEach(
        (name, value) -> {
          if (!name.equals("charset") && !name.equals("boundary")) {
            digest.tag(';').string(name).string(value);
          }
        });
    digest.tag('.');
  }
}
