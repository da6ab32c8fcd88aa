package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerMapping;

/** A request that a handler mapping may write attributes to without anybody else seeing them. */
final class LookUpRequest extends HttpServletRequestWrapper {

  /** Names and values by turns, null for what was removed. There are a handful of them. */
  private @Nullable Object[] written = new @Nullable Object[16];

  private int length;

  LookUpRequest(HttpServletRequest request) {
    super(request);
  }

  /** The variables of the path, where a handler mapping has matched a template. */
  Map<String, String> pathVariables() {
    int at = find(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
    if (at < 0 || !(written[at + 1] instanceof Map<?, ?> found) || found.isEmpty()) {
      return Map.of();
    }
    Map<String, String> variables = new HashMap<>();
    found.forEach((name, value) -> variables.put(String.valueOf(name), String.valueOf(value)));
    return variables;
  }

  private int find(String name) {
    for (int i = 0; i < length; i += 2) {
      if (name.equals(written[i])) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public @Nullable Object getAttribute(String name) {
    int at = find(name);
    return at < 0 ? super.getAttribute(name) : written[at + 1];
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    int at = find(name);
    if (at < 0) {
      if (length == written.length) {
        written = Arrays.copyOf(written, 2 * length);
      }
      at = length;
      length += 2;
      written[at] = name;
    }
    written[at + 1] = value;
  }

  @Override
  public void removeAttribute(String name) {
    setAttribute(name, null);
  }

  @Override
  public Enumeration<String> getAttributeNames() {
    Set<String> names = new LinkedHashSet<>(Collections.list(super.getAttributeNames()));
    for (int i = 0; i < length; i += 2) {
      String name = (String) Objects.requireNonNull(written[i]);
      if (written[i + 1] == null) {
        names.remove(name);
      } else {
        names.add(name);
      }
    }
    return Collections.enumeration(names);
  }
}
