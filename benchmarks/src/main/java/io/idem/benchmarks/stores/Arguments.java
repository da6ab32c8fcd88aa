package io.idem.benchmarks.stores;

import java.util.LinkedHashMap;
import java.util.Map;

/** Arguments of the form name=value. */
record Arguments(Map<String, String> values) {

  static Arguments of(String... args) {
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

  String value(String name, String otherwise) {
    return values.getOrDefault(name, otherwise);
  }
}
