package io.idem.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** Which headers a script of another origin may read (Fetch, <i>CORS protocol</i>). */
final class Exposed {

  private static final String HEADER = "Access-Control-Expose-Headers";

  /** What may be read without leave: Fetch, <i>CORS-safelisted response-header name</i>. */
  private static final Set<String> READABLE =
      Set.of(
          "cache-control",
          "content-language",
          "content-length",
          "content-type",
          "expires",
          "last-modified",
          "pragma");

  private Exposed() {}

  /** The leave to read some headers, where the request may be one of another origin. */
  static List<HeaderField> to(HttpRequestHead request, List<HeaderField> headers) {
    if (request.headerLines("Origin").isEmpty()) {
      return List.of();
    }
    String names =
        headers.stream()
            .map(HeaderField::name)
            .filter(name -> !name.equalsIgnoreCase(HEADER))
            .filter(name -> !READABLE.contains(name.toLowerCase(Locale.ROOT)))
            .distinct()
            .collect(Collectors.joining(", "));
    return names.isEmpty() ? List.of() : List.of(new HeaderField(HEADER, names));
  }

  /** A refusal whose headers may all be read. */
  static StoredResponse whole(HttpRequestHead request, StoredResponse refusal) {
    List<HeaderField> leave = to(request, refusal.headers());
    if (leave.isEmpty()) {
      return refusal;
    }
    List<HeaderField> headers = new ArrayList<>(refusal.headers());
    headers.addAll(leave);
    return new StoredResponse(refusal.status(), headers, refusal.body());
  }
}
