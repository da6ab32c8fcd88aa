package io.idem.spring;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
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

  private final Map<String, @Nullable Object> written = new HashMap<>();

  LookUpRequest(HttpServletRequest request) {
    super(request);
  }

  /** The variables of the path, where a handler mapping has matched a template. */
  Map<String, String> pathVariables() {
    if (!(written.get(HandlerMapping.URI_TEMPLATE_VARIABLES_ATTRIBUTE) instanceof Map<?, ?> found)
        || found.isEmpty()) {
      return Map.of();
    }
    Map<String, String> variables = new HashMap<>();
    found.forEach((name, value) -> variables.put(String.valueOf(name), String.valueOf(value)));
    return variables;
  }

  @Override
  public @Nullable Object getAttribute(String name) {
    Object value = written.get(name);
    return value != null || written.containsKey(name) ? value : super.getAttribute(name);
  }

  @Override
  public void setAttribute(String name, @Nullable Object value) {
    written.put(name, value);
  }

  @Override
  public void removeAttribute(String name) {
    written.put(name, null);
  }

  @Override
  public Enumeration<String> getAttributeNames() {
    Set<String> names = new LinkedHashSet<>(Collections.list(super.getAttributeNames()));
    written.forEach(
        (name, value) -> {
          if (value == null) {
            names.remove(name);
          } else {
            names.add(name);
          }
        });
    return Collections.enumeration(names);
  }
}
