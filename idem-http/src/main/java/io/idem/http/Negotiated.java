package io.idem.http;

import io.idem.http.internal.ContentCodings;
import java.util.ArrayList;
import java.util.List;

/**
 * A stored response as a repeat can read it. A handler that encodes its content itself followed the
 * Accept-Encoding of the first request; where that of the repeat does not accept the coding, the
 * content is sent without (RFC 9110, section 12.5.3). A coding that is not known here is left: a
 * server may disregard the field.
 */
final class Negotiated {

  private static final String ENCODING = "Content-Encoding";

  /** How much larger than what is kept a decoded body may be, in case of a bomb. */
  private static final long GROWTH = 32;

  private Negotiated() {}

  static StoredResponse of(StoredResponse kept, HttpEndpoint endpoint, HttpRequestHead request) {
    List<String> codings =
        kept.headers().stream()
            .filter(header -> header.name().equalsIgnoreCase(ENCODING))
            .map(HeaderField::value)
            .toList();
    if (codings.size() != 1
        || kept.body().length == 0
        || ContentCodings.accepts(request.headerLines("Accept-Encoding"), codings.get(0))) {
      return kept;
    }
    long most = Math.min(Integer.MAX_VALUE - 8, GROWTH * endpoint.maxStoredBytes());
    byte[] content = ContentCodings.decode(kept.body(), codings.get(0), (int) most);
    return content == null
        ? kept
        : new StoredResponse(kept.status(), withoutCoding(kept.headers()), content);
  }

  /** Two codings of one content differ in their bytes, so a strong ETag is not that of both. */
  private static List<HeaderField> withoutCoding(List<HeaderField> headers) {
    List<HeaderField> without = new ArrayList<>();
    for (HeaderField header : headers) {
      if (header.name().equalsIgnoreCase("ETag") && header.value().startsWith("\"")) {
        without.add(new HeaderField(header.name(), "W/" + header.value()));
      } else if (!header.name().equalsIgnoreCase(ENCODING)) {
        without.add(header);
      }
    }
    return without;
  }
}
