package io.idem.http;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A request of which nothing is known but that it has a header.
 *
 * @param name the header's name
 */
record OneHeader(String name) implements HttpRequestHead {

  @Override
  public String method() {
    return "POST";
  }

  @Override
  public String path() {
    return "/";
  }

  @Override
  public @Nullable String query() {
    return null;
  }

  @Override
  public List<String> headerLines(String asked) {
    return asked.equalsIgnoreCase(name) ? List.of("any") : List.of();
  }

  @Override
  public @Nullable String caller() {
    return null;
  }
}
