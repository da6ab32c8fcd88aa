package io.idem.redis.internal;

import java.util.Map;

/**
 * Which plain commands can stand in for scripts.
 *
 * @param plainClaims SET with both NX and GET: since Redis 7.0, so in every Valkey
 * @param plainCompletions SET with IFEQ: since Redis 8.4 and Valkey 8.1
 */
public record Abilities(boolean plainClaims, boolean plainCompletions) {

  static final Abilities NONE = new Abilities(false, false);

  /** What can be sent to every server, as long as none has been heard of. */
  public static final Abilities ALL = new Abilities(true, true);

  /** What a server of that version can do; it has been found to be one that can hold records. */
  static Abilities of(Version redis, Map<String, String> info) {
    // Valkey goes on calling itself the Redis it was when they parted.
    Version valkey = Version.parse(info.getOrDefault("valkey_version", ""));
    return new Abilities(redis.isAtLeast(7, 0), valkey.isAtLeast(8, 1) || redis.isAtLeast(8, 4));
  }

  /** What two servers can both do. */
  public Abilities and(Abilities other) {
    return new Abilities(
        plainClaims && other.plainClaims, plainCompletions && other.plainCompletions);
  }

  /** The first two numbers of a version. */
  record Version(int major, int minor) {

    private static final Version UNKNOWN = new Version(-1, 0);

    /** Reads them; below all others if there are none. */
    static Version parse(String text) {
      String[] parts = text.split("\\.", 3);
      try {
        return new Version(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
      } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
        return UNKNOWN;
      }
    }

    boolean isAtLeast(int wantedMajor, int wantedMinor) {
      return major > wantedMajor || (major == wantedMajor && minor >= wantedMinor);
    }
  }
}
