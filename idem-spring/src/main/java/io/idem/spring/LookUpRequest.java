package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import java.util.Arrays;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerMapping;

/** A request that a handler mapping may write attributes to without anybody else seeing them. */
final class LookUpRequest extends HttpServletRequestWrapper {

  /** What was written under each name, null for what was removed. There are a handful of them. */
  private String[] names = new String[8];

  private @Nullable Object[] values = new @Nullable Object[8];
  private int length;

  LookUpRequest(HttpServletRequest request) {
    super(request);
  }

  /** The variables of the path, where a handler mapping has matched a template. */
  Map<String, String> pathVariables() {
    int at = find(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE);
    if (at < 0 || !(values[at] instanceof Map<?, ?> found) || found.isEmpty()) {
      return Map.of();
    }
    Map<String, String> variables = new HashMap<>();
    found.forEach((name, value) -> variables.put(String.valueOf(name), String.valueOf(value)));
    return variables;
  }

  private int find(String name) {
    int hash = name.hashCode(); // which a string remembers
    for (int i = 0; i < length; i++) {
      if (names[i].hashCode() == hash && names[i].equals(name)) {
        return i;
      }
    }
    return -1;
  }

  @Override
  public @Nullable Object getAttribute(String name) {
    int at = find(name);
    return at < 0 ? super.getAttribute(name) : values[at];
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    int at = find(name);
    if (at < 0) {
      if (length == names.length) {
        names = Arrays.copyOf(names, 2 * length);
        values = Arrays.copyOf(values, 2 * length);
      }
      at = length++;
      names[at] = name;
    }
    values[at] = value;
  }

  @Override
  public void removeAttribute(String name) {
    setAttribute(name, null);
  }

  @Override
  public Enumeration<String> getAttributeNames() {
    Set<String> all = new LinkedHashSet<>(Collections.list(super.getAttributeNames()));
    for (int i = 0; i < length; i++) {
      if (values[i] == null) {
        all.remove(names[i]);
      } else {
        all.add(names[i]);
      }
    }
    return Collections.enumeration(all);
  }
}
