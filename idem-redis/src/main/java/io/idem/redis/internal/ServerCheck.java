package io.idem.redis.internal;

import io.idem.redis.RedisCommand;
import io.idem.redis.RedisPort;
import io.idem.redis.RedisReplyException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Whether a server can hold records: its version, its role and whether it evicts.
 *
 * <p>INFO has all three, also where a hosted server forbids CONFIG.
 */
public final class ServerCheck {

  /**
   * Of a node that has half of the slots, one in two is redirected; of one with 90%, one in ten.
   */
  private static final int KEYS_TO_TRY = 64;

  private ServerCheck() {}

  /**
   * Refuses a server that cannot hold records, and warns of one that may lose them.
   *
   * @param onlyServer a key such as the store writes, new at each call, where all keys are sent to
   *     this server, as by a client that knows of no cluster; null where they are not
   * @param warnings told what may lose records
   * @return what it is known to be able to do
   * @throws IllegalStateException if it cannot
   */
  public static Abilities check(
      RedisPort server,
      @Nullable Supplier<byte[]> onlyServer,
      boolean requireNoEviction,
      Consumer<String> warnings) {
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
      return Abilities.NONE;
    }
    Abilities.Version version = requireVersion(info.getOrDefault("redis_version", ""));
    if (!info.getOrDefault("cluster_enabled", "0").equals("1")) {
      // A cluster sends writes to its primaries itself, also while a client's view of it is behind.
      requirePrimary(info.getOrDefault("role", "master"));
    } else if (onlyServer != null) {
      requireAllSlots(server, onlyServer);
    }
    lookAtEviction(info.getOrDefault("maxmemory_policy", "unknown"), requireNoEviction, warnings);
    return Abilities.of(version, info);
  }

  private static Abilities.Version requireVersion(String text) {
    Abilities.Version version = Abilities.Version.parse(text);
    if (!version.isAtLeast(6, 2)) {
      throw new IllegalStateException(
          "Idem needs Redis 6.2 or later, or Valkey, and found version '" + text + "'");
    }
    return version;
  }

  private static void requirePrimary(String role) {
    if (!role.equals("master")) {
      throw new IllegalStateException(
          "Idem writes to a primary, and found a server whose role is '"
              + role
              + "': connect to the primary, or through Sentinel");
    }
  }

  /** A node that has not all slots answers the keys of others with the way to them. */
  private static void requireAllSlots(RedisPort server, Supplier<byte[]> keys) {
    Object slots;
    try {
      slots = server.execute(RedisCommand.keyless("CLUSTER", "SLOTS"));
    } catch (RedisReplyException e) {
      return; // the user may not ask
    }
    if (slots instanceof List<?> ranges
        && ranges.stream().map(ServerCheck::primaryOf).distinct().count() > 1
        && redirects(server, keys)) {
      throw new IllegalStateException(
          "Idem sends all keys to this server, and found a node of a Redis Cluster that shares them"
              + " with others: connect through a RedisClusterClient (LettuceRedis.of(RedisClusterClient,"
              + " …)), with Spring Boot by spring.data.redis.cluster.nodes");
    }
  }

  /** A proxy tells of the cluster behind it as a node does, but knows the way. */
  private static boolean redirects(RedisPort server, Supplier<byte[]> keys) {
    for (int i = 0; i < KEYS_TO_TRY; i++) {
      try {
        var unused = server.execute(new RedisCommand("GET", List.of(keys.get()), 0));
      } catch (RedisReplyException e) {
        if (e.is("MOVED")) {
          return true;
        }
      }
    }
    return false;
  }

  /** The port and the id: begin, end, then the primary's address, port and id. */
  private static String primaryOf(@Nullable Object range) {
    if (range instanceof List<?> parts
        && parts.size() > 2
        && parts.get(2) instanceof List<?> primary
        && primary.size() > 1) {
      Object id = primary.size() > 2 ? primary.get(2) : null;
      return primary.get(1)
          + " "
          + (id instanceof byte[] bytes ? new String(bytes, StandardCharsets.US_ASCII) : "");
    }
    return "";
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
