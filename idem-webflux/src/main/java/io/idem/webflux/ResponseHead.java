package io.idem.webflux;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseCookie;
import org.springframework.http.server.reactive.ServerHttpResponse;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;

/**
 * What the filters in front have set on a response, as it was when the request came by: the
 * container may use its response again for another request while a run goes on.
 *
 * @param status the status, or null if none was set
 * @param headers the headers, a copy
 * @param cookies the cookies, a copy
 */
record ResponseHead(
    @Nullable HttpStatusCode status,
    HttpHeaders headers,
    MultiValueMap<String, ResponseCookie> cookies) {

  static ResponseHead of(ServerHttpResponse response) {
    return new ResponseHead(
        response.getStatusCode(),
        RequestSnapshot.copyOf(response.getHeaders()),
        new LinkedMultiValueMap<>(response.getCookies()).deepCopy());
  }
}
