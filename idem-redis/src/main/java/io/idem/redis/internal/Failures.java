package io.idem.redis.internal;

import io.idem.core.store.StoreUnavailableException;
import io.idem.redis.RedisReplyException;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What becomes of a server's errors. */
public final class Failures {

  /** What to look at, by the code a server's error begins with. */
  private static final Map<String, String> ADVICE =
      Map.of(
          "OOM", "Redis is full and evicts nothing, which is right: give it more memory",
          "READONLY", "this server is a replica, or became one in a failover",
          "LOADING", "Redis is still reading its data",
          "NOREPLICAS", "fewer replicas are there than min-replicas-to-write demands",
          "CLUSTERDOWN", "the cluster has no primary for this key",
          "NOPERM",
              "the user needs EVAL, EVALSHA, GET, SET, SETRANGE, DEL, PTTL, PEXPIRE, TIME and PUBLISH on the keys and channels of the prefix",
          "WRONGTYPE",
              "something else stands under the record's key and was left alone: give Idem a prefix of its own");

  private Failures() {}

  /** An error that leaves it open what the store holds. */
  public static StoreUnavailableException unavailable(String what, RedisReplyException e) {
    String advice =
        ADVICE.entrySet().stream()
            .filter(entry -> e.is(entry.getKey()))
            .map(entry -> " (" + entry.getValue() + ")")
            .findFirst()
            .orElse("");
    return new StoreUnavailableException(what + ": " + e.getMessage() + advice, e);
  }

  /** A value under a record's key that is no record; nothing was changed. */
  public static StoreUnavailableException foreign(String what) {
    return new StoreUnavailableException(
        what
            + ": the value under its key is no record of this version, and was left alone. Give Idem"
            + " a prefix of its own, or look whether a later version of Idem writes there",
        null);
  }

  /** A reply that no server of a known version gives. */
  public static StoreUnavailableException unexpected(String what, @Nullable Object reply) {
    return new StoreUnavailableException(
        what
            + ": Redis gave a reply of an unexpected kind, "
            + (reply == null ? "nil" : reply.getClass().getSimpleName()),
        null);
  }
}
