package io.idem.http;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A request of Alice's to pay, without a query or content unless a test puts them in. */
class Post implements HttpExchange {

  private final Map<String, String> headers = new HashMap<>();

  Post(Map<String, String> headers) {
    headers.forEach((name, value) -> this.headers.put(name.toLowerCase(Locale.ROOT), value));
  }

  @Override
  public String method() {
    return "POST";
  }

  @Override
  public String path() {
    return "/pay";
  }

  @Override
  public String query() {
    return null;
  }

  @Override
  public List<String> headerLines(String name) {
    String value = headers.get(name.toLowerCase(Locale.ROOT));
    return value == null ? List.of() : List.of(value);
  }

  @Override
  public String caller() {
    return "alice";
  }

  @Override
  public RequestBody body(int maxBytes) {
    return new RequestBody.Bytes(new byte[0]);
  }
}
