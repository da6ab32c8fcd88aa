package io.idem.client;

import java.time.Instant;
import java.util.Map;

/** A key in one header. */
record OneKeyHeader(String keyHeader, boolean quoted) implements KeyHeaders {

  OneKeyHeader {
    if (!keyHeader.matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+")) {
      throw new IllegalArgumentException(
          "The name of the key's header is not a header name (RFC 9110, section 5.1)");
    }
  }

  @Override
  public Map<String, String> of(OutgoingCall call, Instant firstSent) {
    String key = call.key();
    boolean needsQuotes = key.chars().anyMatch(c -> " ,;\"".indexOf(c) >= 0);
    return Map.of(keyHeader, quoted || needsQuotes ? quote(key) : key);
  }

  private static String quote(String key) {
    return '"' + key.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
  }
}
