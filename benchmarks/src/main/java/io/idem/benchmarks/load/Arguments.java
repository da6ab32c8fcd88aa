package io.idem.benchmarks.load;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Arguments of the form name=value.
 *
 * @param values what was given
 */
public record Arguments(Map<String, String> values) {

  /** Takes them apart; an {@link IllegalArgumentException} for one of another form. */
  public static Arguments of(String... args) {
    Map<String, String> values = new LinkedHashMap<>();
    for (String arg : args) {
      int equals = arg.indexOf('=');
      if (equals < 1) {
        throw new IllegalArgumentException("Not of the form name=value: " + arg);
      }
      values.put(arg.substring(0, equals), arg.substring(equals + 1));
    }
    return new Arguments(values);
  }

  /** The value of one, or else another. */
  public String value(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }
}
