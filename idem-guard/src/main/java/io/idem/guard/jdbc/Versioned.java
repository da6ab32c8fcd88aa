package io.idem.guard.jdbc;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A write that another system pushes. Immutable.
 *
 * @param id the row's id, as the driver takes it
 * @param version the version of the data, which grows
 * @param values what declared columns are set to; a value may be null
 */
public record Versioned(Object id, long version, Map<String, ? extends @Nullable Object> values) {

  /**
   * Copies the values.
   *
   * @param id the row's id, as the driver takes it
   * @param version the version of the data, which grows
   * @param values what declared columns are set to; a value may be null
   */
  public Versioned {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(values, "values");
    values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
  }
}
