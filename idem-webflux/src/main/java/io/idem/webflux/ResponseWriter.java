package io.idem.webflux;

import io.idem.http.HeaderField;
import io.idem.http.StoredResponse;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.springframework.http.HttpHeaders;
import org.springframework.http.server.reactive.ServerHttpResponse;
import reactor.core.publisher.Mono;

/** Writes what the protocol answers. */
final class ResponseWriter {

  private ResponseWriter() {}

  /** Sends a response. */
  static Mono<Void> send(ServerHttpResponse response, StoredResponse kept) {
    response.setRawStatusCode(kept.status());
    putHeaders(response, kept.headers());
    if (kept.body().length > 0) {
      response.getHeaders().setContentLength(kept.body().length);
      return response.writeWith(
          Mono.fromSupplier(() -> response.bufferFactory().wrap(kept.body())));
    }
    if (mayHaveBody(kept.status())) {
      response.getHeaders().setContentLength(0);
    }
    return response.setComplete();
  }

  /** Whether a response of this status says how long its body is (RFC 9110, section 8.6). */
  static boolean mayHaveBody(int status) {
    return status != 204 && status != 304;
  }

  /** The first line of a name replaces what a filter around may have set; the others join it. */
  static void putHeaders(ServerHttpResponse response, List<HeaderField> lines) {
    HttpHeaders headers = response.getHeaders();
    Set<String> seen = new HashSet<>();
    for (HeaderField line : lines) {
      String name = line.name().toLowerCase(Locale.ROOT);
      if (seen.add(name) && !name.equals("access-control-expose-headers")) {
        headers.set(line.name(), line.value());
      } else {
        headers.add(line.name(), line.value());
      }
    }
  }
}
