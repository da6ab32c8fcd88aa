package io.idem.redis.internal;

import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a server can hold records: its version, its role and whether it evicts.
 *
 * <p>INFO has all three, also where a hosted server forbids CONFIG.
 */
public final class ServerCheck {

  private static final Logger log = LoggerFactory.getLogger("io.idem.redis");
  private static final int OLDEST_MAJOR = 6;
  private static final int OLDEST_MINOR = 2;
  private static final int FIRST_WITH_SET_NX_GET = 7;

  private ServerCheck() {}

  /**
   * Refuses a server that cannot hold records, and warns of one that may lose them.
   *
   * @param warnings told what may lose records
   * @return whether it is known to take SET with both NX and GET, as Redis does since 7.0
   * @throws IllegalStateException if it cannot
   */
  public static boolean check(
      RedisPort server, boolean requireNoEviction, Consumer<String> warnings) {
    Map<String, String> info;
    try {
      info = parse(server.execute(RedisCommand.keyless("INFO")));
    } catch (RedisReplyException e) {
      if (!e.is("NOPERM")) {
        throw Failures.unavailable("Asking Redis what it is", e);
      }
      warnings.accept(
          "Redis does not let this user ask what it is, so nobody has checked that it is 6.2 or later,"
              + " a primary, and never evicts keys. Grant the user +info: "
              + e.getMessage());
      return false;
    }
    int major = requireVersion(info.getOrDefault("redis_version", ""));
    if (!info.getOrDefault("cluster_enabled", "0").equals("1")) {
      // A cluster sends writes to its primaries itself, also while a client's view of it is behind.
      requirePrimary(info.getOrDefault("role", "master"));
    }
    lookAtEviction(info.getOrDefault("maxmemory_policy", "unknown"), requireNoEviction, warnings);
    return major >= FIRST_WITH_SET_NX_GET;
  }

  private static int requireVersion(String version) {
    String[] parts = version.split("\\.", 3);
    try {
      int major = Integer.parseInt(parts[0]);
      if (major > OLDEST_MAJOR
          || (major == OLDEST_MAJOR && Integer.parseInt(parts[1]) >= OLDEST_MINOR)) {
        return major;
      }
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      log.debug("Redis says that its version is '{}'", version, e);
    }
    throw new IllegalStateException(
        "Idem needs Redis 6.2 or later, or Valkey, and found version '" + version + "'");
  }

  private static void requirePrimary(String role) {
    if (!role.equals("master")) {
      throw new IllegalStateException(
          "Idem writes to a primary, and found a server whose role is '"
              + role
              + "': connect to the primary, or through Sentinel");
    }
  }

  private static void lookAtEviction(String policy, boolean require, Consumer<String> warnings) {
    if (policy.equals("noeviction")) {
      return;
    }
    String danger =
        "Redis may evict idempotency records: its maxmemory-policy is '"
            + policy
            + "'. A record that is evicted is forgotten, and its request runs again. Set"
            + " maxmemory-policy to noeviction, or keep records on a server of their own";
    if (require) {
      throw new IllegalStateException(danger);
    }
    warnings.accept(danger);
  }

  private static Map<String, String> parse(@Nullable Object reply) {
    if (!(reply instanceof byte[] text)) {
      throw Failures.unexpected("INFO", reply);
    }
    return new String(text, StandardCharsets.UTF_8)
        .lines()
        .filter(line -> line.indexOf(':') > 0)
        .collect(
            Collectors.toMap(
                line -> line.substring(0, line.indexOf(':')),
                line -> line.substring(line.indexOf(':') + 1).trim(),
                (first, second) -> first));
  }
}
