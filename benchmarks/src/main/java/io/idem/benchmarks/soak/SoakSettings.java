package io.idem.benchmarks.soak;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * What a soak does.
 *
 * @param keys how many distinct keys
 * @param rate how many of them a second
 * @param batch how many of them in one call, but for those of the single clients
 * @param clients how many clients send single keys
 * @param pause how long each of these rests between two calls
 * @param retention how long a key is kept
 * @param purgeEvery how often expired keys are purged
 * @param samples into how many parts the run is divided
 * @param partitioned whether the table is partitioned
 * @param timeOrdered whether keys are UUIDv7 rather than UUIDv4
 * @param atMost how long the run may take
 */
record SoakSettings(
    long keys,
    int rate,
    int batch,
    int clients,
    Duration pause,
    Duration retention,
    Duration purgeEvery,
    int samples,
    boolean partitioned,
    boolean timeOrdered,
    Duration atMost) {

  /** From arguments of the form name=value. */
  static SoakSettings of(String... args) {
    Map<String, String> values =
        new HashMap<>(
            Map.of(
                "keys",
                "10000000",
                "rate",
                "20000",
                "batch",
                "500",
                "clients",
                "2",
                "pause",
                "5",
                "retention",
                "60",
                "purge",
                "5",
                "samples",
                "20",
                "layout",
                "plain"));
    values.put("ids", "v4");
    values.put("minutes", "20");
    for (String arg : args) {
      int equals = arg.indexOf('=');
      if (equals < 1 || values.put(arg.substring(0, equals), arg.substring(equals + 1)) == null) {
        throw new IllegalArgumentException(
            "'" + arg + "' is none of name=value with these names: " + values.keySet());
      }
    }
    return new SoakSettings(
        Long.parseLong(values.get("keys")),
        Integer.parseInt(values.get("rate")),
        Integer.parseInt(values.get("batch")),
        Integer.parseInt(values.get("clients")),
        Duration.ofMillis(Long.parseLong(values.get("pause"))),
        Duration.ofSeconds(Long.parseLong(values.get("retention"))),
        Duration.ofSeconds(Long.parseLong(values.get("purge"))),
        Integer.parseInt(values.get("samples")),
        "partitioned".equals(values.get("layout")),
        "v7".equals(values.get("ids")),
        Duration.ofMinutes(Long.parseLong(values.get("minutes"))));
  }
}
