package io.idem.http.internal;

import java.nio.charset.StandardCharsets;

/** What stands between the boundaries of a multipart body (RFC 2046, section 5.1.1). */
public final class MultipartSections {

  private MultipartSections() {}

  /** Adds the sections in their order, and nothing of the boundary. */
  public static void digestInto(Sha256 digest, byte[] body, String boundary) {
    byte[] delimiter = ("--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
    int start = 0;
    int at = 0;
    while (at + delimiter.length <= body.length) {
      if (startsLine(body, at) && matches(body, at, delimiter)) {
        digest.bytes(body, start, at);
        at += delimiter.length;
        start = at;
      } else {
        at++;
      }
    }
    digest.bytes(body, start, body.length);
  }

  private static boolean startsLine(byte[] body, int at) {
    return at == 0 || (at >= 2 && body[at - 2] == '\r' && body[at - 1] == '\n');
  }

  private static boolean matches(byte[] body, int at, byte[] delimiter) {
    for (int i = 0; i < delimiter.length; i++) {
      if (body[at + i] != delimiter[i]) {
        return false;
      }
    }
    return true;
  }
}
