package io.idem.http;

import io.idem.http.internal.FormFields;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parameters in a query, as servers read them: like a form (URL Standard, section 5.1). */
final class QueryFields {

  private QueryFields() {}

  /** The values of each name in their order; null if the query cannot be read. */
  static @Nullable Map<String, List<String>> of(@Nullable String query) {
    if (query == null || query.isEmpty()) {
      return Map.of();
    }
    Map<String, List<String>> read = FormFields.parse(query.getBytes(StandardCharsets.UTF_8));
    if (read == null) {
      return null;
    }
    Map<String, List<String>> fields = new LinkedHashMap<>();
    read.forEach(
        (name, values) ->
            fields.put(PlaceReader.utf8(name), values.stream().map(PlaceReader::utf8).toList()));
    return fields;
  }
}
