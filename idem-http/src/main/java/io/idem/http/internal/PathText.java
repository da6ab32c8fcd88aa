package io.idem.http.internal;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Deque;

/** Paths of requests, in one spelling. */
public final class PathText {

  private PathText() {}

  /**
   * The canonical spelling of a path: without path parameters, dot segments and empty segments,
   * percent-encoding undone but for slashes and percent signs within a segment. What servers and
   * frameworks take for one path has one spelling; that some which they tell apart have the same
   * does no harm to who uses it to recognise a repeat.
   *
   * @param path the path as it was sent
   * @return a text that begins with a slash and is well-formed Unicode
   */
  public static String canonical(String path) {
    if (isCanonical(path)) {
      return path;
    }
    Deque<String> segments = new ArrayDeque<>();
    for (String sent : path.split("/", -1)) {
      int parameters = sent.indexOf(';');
      String segment = decoded(parameters < 0 ? sent : sent.substring(0, parameters));
      if (segment.equals("..")) {
        segments.pollLast();
      } else if (!segment.isEmpty() && !segment.equals(".")) {
        segments.addLast(segment.replace("%", "%25").replace("/", "%2F"));
      }
    }
    return "/" + String.join("/", segments);
  }

  /** Whether nothing would be changed, which is so for almost every path. */
  private static boolean isCanonical(String path) {
    if (path.isEmpty() || path.charAt(0) != '/') {
      return false;
    }
    for (int i = 0; i < path.length(); i++) {
      char c = path.charAt(i);
      if (c == '%' || c == ';' || c > '~') {
        return false;
      }
      if (c == '/' && i > 0 && path.charAt(i - 1) == '/') {
        return false;
      }
      if (c == '.' && path.charAt(i - 1) == '/') {
        return false;
      }
    }
    return path.length() == 1 || path.charAt(path.length() - 1) != '/';
  }

  private static String decoded(String segment) {
    byte[] bytes = segment.getBytes(StandardCharsets.UTF_8);
    int length = 0;
    for (int i = 0; i < bytes.length; i++) {
      int high = bytes[i] == '%' && i + 2 < bytes.length ? Character.digit(bytes[i + 1], 16) : -1;
      int low = high < 0 ? -1 : Character.digit(bytes[i + 2], 16);
      if (low >= 0) {
        bytes[length++] = (byte) (high << 4 | low);
        i += 2;
      } else {
        bytes[length++] = bytes[i];
      }
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
