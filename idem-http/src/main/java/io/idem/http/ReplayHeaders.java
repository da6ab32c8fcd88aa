package io.idem.http;

import io.idem.http.internal.Tokens;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;

/**
 * The headers of a response that are kept and replayed; all others are the business of the response
 * they came with.
 *
 * <p>Always among them is Content-Encoding: the bytes kept are those the handler wrote, and a
 * handler that encodes them itself says so there. A repeat that does not accept a coding of gzip or
 * deflate is given the content without it. A coding applied by the server around the protocol
 * follows each request's own Accept-Encoding. Immutable.
 */
public final class ReplayHeaders {

  private static final ReplayHeaders STANDARD =
      new ReplayHeaders(
          Set.of(
              "content-type",
              "content-encoding",
              "location",
              "content-location",
              "etag",
              "last-modified",
              "link"));

  private static final Set<String> NEVER =
      Set.of(
          // credentials and challenges
          "set-cookie",
          "set-cookie2",
          "www-authenticate",
          "proxy-authenticate",
          "authentication-info",
          "proxy-authentication-info",
          "authorization",
          // of one connection or one message
          "connection",
          "keep-alive",
          "proxy-connection",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade",
          "content-length",
          "date",
          "age",
          // of one request
          "x-request-id",
          "request-id",
          "x-correlation-id",
          "correlation-id",
          "x-trace-id",
          "x-amzn-trace-id",
          "x-b3-traceid",
          "traceparent",
          "tracestate",
          "retry-after",
          // the protocol's own
          "idempotent-replayed",
          "idempotency-key-ignored",
          "idempotency-key-lifetime",
          "cache-control");

  private final Set<String> names;

  /** The names in lower case and as they are usually spelled, which few responses do not. */
  private final Set<String> spellings;

  private ReplayHeaders(Collection<String> names) {
    this.names = Set.copyOf(names);
    this.spellings = new HashSet<>(names);
    names.forEach(name -> spellings.add(capitalized(name)));
  }

  private static String capitalized(String name) {
    StringBuilder capitalized = new StringBuilder(name);
    for (int i = 0; i < name.length(); i++) {
      if (i == 0 || name.charAt(i - 1) == '-') {
        capitalized.setCharAt(i, Character.toUpperCase(name.charAt(i)));
      }
    }
    return capitalized.toString();
  }

  /**
   * Content-Type, Content-Encoding, Location, Content-Location, ETag, Last-Modified and Link.
   *
   * @return the standard list
   */
  public static ReplayHeaders standard() {
    return STANDARD;
  }

  /**
   * This list and more.
   *
   * @param more names of headers, in any case
   * @return a new list
   * @throws IllegalArgumentException for a name that is no header name, or a header that must never
   *     be replayed: cookies, challenges, what belongs to one connection or one request
   */
  public ReplayHeaders and(String... more) {
    Set<String> all = new TreeSet<>(names);
    for (String name : more) {
      String lowerCase = name.toLowerCase(Locale.ROOT);
      if (!Tokens.isToken(name)) {
        throw new IllegalArgumentException("A replayed header needs a header's name");
      }
      if (NEVER.contains(lowerCase)) {
        throw new IllegalArgumentException(
            "The header "
                + name
                + " is never replayed: it belongs to one caller's session, one connection or one"
                + " request. Take it off the list of replayed headers");
      }
      all.add(lowerCase);
    }
    return new ReplayHeaders(all);
  }

  /**
   * Whether a header is kept.
   *
   * @param name its name, in any case
   * @return true if it is on the list
   */
  public boolean contains(String name) {
    return spellings.contains(name) || names.contains(name.toLowerCase(Locale.ROOT));
  }

  /**
   * The headers that are kept.
   *
   * @param headers all headers of a response
   * @return those on the list, in their order
   */
  public List<HeaderField> filter(List<HeaderField> headers) {
    int first = 0;
    while (first < headers.size() && contains(headers.get(first).name())) {
      first++;
    }
    if (first == headers.size()) {
      return headers;
    }
    List<HeaderField> kept = new ArrayList<>(headers.size());
    for (HeaderField header : headers) {
      if (contains(header.name())) {
        kept.add(header);
      }
    }
    return kept;
  }
}
